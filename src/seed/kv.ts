import { transactionOf } from "../consul/answers.ts";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { scopeId } from "../consul/scope.ts";
import type { DeclaredKey } from "../inputs/seeds.ts";
import { collectRefusal, refusedByConsul, type Writing } from "./progress.ts";

/** Consul's limit on the operations of a transaction (agent/txn_endpoint.go, `maxTxnOps`). */
const maxOperations = 64;
/** Consul's default for `limits.txn_max_req_len`: the size that Raft recommends for one entry. */
const maxTransactionBytes = 512 * 1024;

export async function seedKeys(kv: readonly DeclaredKey[], consul: Consul, writing: Writing) {
  const [first] = kv;
  if (!first) return;
  let missing: DeclaredKey[] = [];
  const isRead = await collectRefusal(writing, first, async () => {
    missing = [];
    for (const keys of Map.groupBy(kv, scopeId).values())
      missing.push(...(await missingOf(keys, consul)));
  });
  if (isRead) for (const batch of transactions(missing)) await setKeys(batch, consul, writing);
}

/** Of keys in one namespace, those that are not there as declared. */
async function missingOf(keys: readonly DeclaredKey[], consul: Consul): Promise<DeclaredKey[]> {
  const [{ partition, namespace } = {}] = keys;
  const scope = { ...(partition && { partition }), ...(namespace && { namespace }) };
  const existing = new Map((await consul.kv.all(scope)).map((each) => [each.key, each]));
  return keys.filter(({ key, value, flags }) => {
    const found = existing.get(key);
    return !found?.value.equals(value) || (flags !== undefined && found.flags !== flags);
  });
}

async function setKeys(batch: readonly DeclaredKey[], consul: Consul, writing: Writing) {
  const [first] = batch;
  if (!first) return;
  const isAlone = batch.length === 1;
  await collectRefusal(writing, first, async () => {
    if (!fits(batch) || hasLongFlags(first)) return consul.kv.set(first);
    const refused = await consul.kv.setAll(batch).catch((error: unknown) => {
      if (isAlone || !(error instanceof ConsulError) || error.status === undefined) throw error;
      return undefined;
    });
    // Refused as a whole, without saying which key is to blame: one after another will tell.
    if (!refused) for (const key of batch) await setKeys([key], consul, writing);
    for (const { index, reason } of refused ?? [])
      writing.problems.push(refusedByConsul(batch[index] ?? first, reason));
  });
}

/** Transactions of early versions round such flags (seen on 1.4.4, not on 1.8.7). */
const hasLongFlags = ({ flags = "0" }: DeclaredKey) => !Number.isSafeInteger(Number(flags));

const fits = (keys: readonly DeclaredKey[]) =>
  Buffer.byteLength(transactionOf(keys)) <= maxTransactionBytes;

/**
 * Splits keys into as few transactions as Consul allows, in order. A key that is too long for any
 * transaction, or whose flags are, comes alone, to be set by itself.
 */
export function transactions(keys: readonly DeclaredKey[]): DeclaredKey[][] {
  const batches: DeclaredKey[][] = [];
  for (const key of keys) {
    const last = batches.at(-1);
    const isAlone = !last || [key, ...last].some(hasLongFlags);
    if (!isAlone && last.length < maxOperations && fits([...last, key])) last.push(key);
    else batches.push([key]);
  }
  return batches;
}
