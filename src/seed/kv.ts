import { transactionOf } from "../consul/answers.ts";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import type { Problem } from "../errors.ts";
import type { DeclaredKey } from "../inputs/seeds.ts";
import { collectRefusal, refusedByConsul } from "./progress.ts";

/** Consul's limit on the operations of a transaction (agent/txn_endpoint.go, `maxTxnOps`). */
const maxOperations = 64;
/** Consul's default for `limits.txn_max_req_len`: the size that Raft recommends for one entry. */
const maxTransactionBytes = 512 * 1024;

export async function seedKeys(kv: readonly DeclaredKey[], consul: Consul, problems: Problem[]) {
  const [first] = kv;
  if (!first) return;
  await collectRefusal(problems, first, async () => {
    const existing = new Map((await consul.kv.all()).map(({ key, value }) => [key, value]));
    const missing = kv.filter(({ key, value }) => !existing.get(key)?.equals(value));
    for (const batch of transactions(missing)) problems.push(...(await setKeys(batch, consul)));
  });
}

async function setKeys(batch: readonly DeclaredKey[], consul: Consul): Promise<Problem[]> {
  const [first] = batch;
  if (!first) return [];
  try {
    if (!fits(batch)) {
      await consul.kv.set(first);
      return [];
    }
    const refused = await consul.kv.setAll(batch);
    return refused.map(({ index, reason }) => refusedByConsul(batch[index] ?? first, reason));
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return [refusedByConsul({ ...first, name: namesOf(batch) }, error.message)];
  }
}

/** Consul refuses a transaction as a whole, and may not say for which of its keys. */
function namesOf(batch: readonly DeclaredKey[]): string {
  const [first, last] = [batch[0]?.name ?? "", batch.at(-1)?.name ?? ""];
  return first === last ? first : `${first} … ${last}`;
}

const fits = (keys: readonly DeclaredKey[]) =>
  Buffer.byteLength(transactionOf(keys)) <= maxTransactionBytes;

/**
 * Splits keys into as few transactions as Consul allows, in order. A key that is too long for any
 * transaction comes alone, to be set by itself.
 */
export function transactions(keys: readonly DeclaredKey[]): DeclaredKey[][] {
  const batches: DeclaredKey[][] = [];
  for (const key of keys) {
    const last = batches.at(-1);
    if (last && last.length < maxOperations && fits([...last, key])) last.push(key);
    else batches.push([key]);
  }
  return batches;
}
