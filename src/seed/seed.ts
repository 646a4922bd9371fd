import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import pLimit from "p-limit";
import {
  type AclKind,
  type CatalogService,
  type Consul,
  ConsulError,
  type ConsulObject,
  transactionOf,
} from "../consul/consul.ts";
import { ActionError, InputError, type Place, type Problem } from "../errors.ts";
import {
  type Declared,
  type DeclaredKey,
  type DeclaredService,
  type Definition,
  field,
  placeText,
  type Seeds,
  sameKey,
} from "../inputs/cluster-file.ts";

/** An agent that seeds are given to. */
export interface SeedAgent {
  readonly node: string;
  readonly datacenter: string;
  readonly role: "server" | "client";
  readonly consul: Consul;
}

/** How seeding goes on and ends. */
export interface Seeding {
  /** Milliseconds until all must be seen from elsewhere. */
  readonly timeout: number;
  /** Gets a line for each kind of thing. */
  readonly log: (line: string) => void;
  /** Gets each token's secret as soon as it is known. */
  readonly onSecret: (secret: string) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** A declared token as it is in Consul. The secret is one. */
export interface SeededToken {
  readonly AccessorID: string;
  readonly SecretID: string;
  readonly Description: string;
}

/** Consul's limit on the operations of a transaction (agent/txn_endpoint.go, `maxTxnOps`). */
const maxOperations = 64;
/** Consul's default for `limits.txn_max_req_len`: what raft advises for one entry. */
const maxTransactionBytes = 512 * 1024;
/** Services that are registered at once. */
const registrationsAtOnce = 8;
/** Milliseconds between two looks at the catalog. */
const pause = 25;

/**
 * Gives a cluster what its file declares, and waits until all of it can be seen from elsewhere.
 * What is there already, as declared, is not written again.
 *
 * @param agents - the agents of a cluster that is ready, the primary datacenter's first
 * @returns the declared tokens, in the file's order
 * @throws InputError with everything that Consul refused, and where in the file it stands
 * @throws ActionError where a service does not get into the catalog
 */
export async function seed(
  seeds: Seeds,
  agents: readonly SeedAgent[],
  seeding: Seeding,
): Promise<SeededToken[]> {
  const { log, onSecret } = seeding;
  const [first] = agents;
  if (!first) throw new Error("a cluster has at least one server");
  const { consul } = first;
  const problems: Problem[] = [];
  const give = (declared: Named, giving: () => Promise<void>) => noting(problems, declared, giving);

  const [tokens] = await Promise.all([
    seedAcl(seeds, consul, give),
    seedKeys(seeds.kv, consul, problems),
    seedEntriesThenServices(seeds, agents, give),
  ]);
  for (const { SecretID } of tokens) onSecret(SecretID);
  if (problems.length > 0) throw new InputError(problems);
  await Promise.all([
    ...seeds.services.map((service) => seenElsewhere(service, agents, seeding)),
    ...firstElsewhere(agents).map((agent) => replicated(seeds, tokens, agent, seeding)),
  ]);
  for (const line of summaryOf(seeds)) log(line);
  return tokens;
}

/** The first agent of every datacenter but the primary. */
function firstElsewhere(agents: readonly SeedAgent[]): SeedAgent[] {
  const [, ...others] = Map.groupBy(agents, ({ datacenter }) => datacenter).values();
  return others.flatMap((there) => there.slice(0, 1));
}

export const hasSeeds = (seeds: Seeds) => Object.values(seeds).some((list) => list.length > 0);

/** The secrets that a file itself names. No log may show them. */
export const declaredSecrets = ({ tokens }: Seeds) =>
  tokens.map(({ value }) => textField(value, "SecretID")).filter((secret) => secret !== "");

function summaryOf({ policies, roles, tokens, kv, configEntries, services }: Seeds): string[] {
  const counts = { policies, roles, tokens, keys: kv, "config entries": configEntries, services };
  return Object.entries(counts)
    .filter(([, list]) => list.length > 0)
    .map(([what, list]) => `${what}: ${list.length} there`);
}

interface Named {
  readonly name: string;
  readonly place: Place;
}

/** Gives one thing to Consul; notes a refusal and returns whether there was none. */
type Give = (declared: Named, giving: () => Promise<void>) => Promise<boolean>;

async function noting(problems: Problem[], declared: Named, giving: () => Promise<void>) {
  try {
    await giving();
    return true;
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    problems.push(refusal(declared, error.message));
    return false;
  }
}

function refusal({ name, place }: Named, reason: string): Problem {
  const message = `${placeText(place)}: Consul did not take \`${name}\`: ${reason}`;
  return { input: "cluster", place, message };
}

/** In order of dependence: roles name policies, tokens name both. Stops at the first refusal. */
async function seedAcl(seeds: Seeds, consul: Consul, give: Give): Promise<SeededToken[]> {
  const objects = [
    ...seeds.policies.map((declared) => ({ kind: "policy", declared }) as const),
    ...seeds.roles.map((declared) => ({ kind: "role", declared }) as const),
    ...seeds.tokens.map((declared) => ({ kind: "token", declared }) as const),
  ];
  const tokens: SeededToken[] = [];
  for (const { kind, declared } of objects) {
    const isTaken = await give(declared, async () => {
      const object = await ensureAclObject(consul, kind, declared.value);
      if (kind === "token") tokens.push(tokenOf(object));
    });
    if (!isTaken) break;
  }
  return tokens;
}

async function ensureAclObject(
  consul: Consul,
  kind: AclKind,
  declared: Definition,
): Promise<ConsulObject> {
  const existing = await findAclObject(consul, kind, declared);
  if (existing && covers(existing, declared)) return existing;
  return consul.setAclObject(kind, declared, existing && idOf(kind, existing));
}

const idOf = (kind: AclKind, object: ConsulObject) =>
  textField(object, kind === "token" ? "AccessorID" : "ID");

/** What tells one object of a kind from another; of several keys, the first that is declared. */
const identities: Readonly<Record<AclKind, readonly string[]>> = {
  policy: ["Name"],
  role: ["Name"],
  token: ["AccessorID", "SecretID", "Description"],
};

async function findAclObject(consul: Consul, kind: AclKind, declared: Definition) {
  const key = identities[kind].find((each) => textField(declared, each) !== "");
  if (key === undefined) return undefined;
  const value = textField(declared, key);
  if (key === "SecretID") return consul.tokenOf(value);
  const listed = (await consul.aclObjects(kind)).find((each) => textField(each, key) === value);
  return listed && consul.aclObject(kind, idOf(kind, listed));
}

function tokenOf(object: ConsulObject): SeededToken {
  return {
    AccessorID: textField(object, "AccessorID"),
    SecretID: textField(object, "SecretID"),
    Description: textField(object, "Description"),
  };
}

function textField(object: Definition, key: string): string {
  const value = field(object, key);
  return typeof value === "string" ? value : "";
}

async function seedKeys(kv: readonly DeclaredKey[], consul: Consul, problems: Problem[]) {
  const [first] = kv;
  if (!first) return;
  await noting(problems, first, async () => {
    const there = new Map((await consul.keys()).map(({ key, value }) => [key, value]));
    const lacking = kv.filter(({ key, value }) => !there.get(key)?.equals(value));
    for (const batch of transactions(lacking)) problems.push(...(await setKeys(batch, consul)));
  });
}

async function setKeys(batch: readonly DeclaredKey[], consul: Consul): Promise<Problem[]> {
  const [first] = batch;
  if (!first) return [];
  try {
    if (!fits(batch)) {
      await consul.setKey(first);
      return [];
    }
    const refused = await consul.setKeys(batch);
    return refused.map(({ index, reason }) => refusal(batch[index] ?? first, reason));
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return [refusal(first, error.message)];
  }
}

const fits = (keys: readonly DeclaredKey[]) =>
  Buffer.byteLength(transactionOf(keys)) <= maxTransactionBytes;

/**
 * Parts keys into as few transactions as Consul allows, in order. A key too long for any
 * transaction is alone, to be set by itself.
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

/** A service can depend on config entries, as a sidecar does on its service's defaults. */
async function seedEntriesThenServices(
  seeds: Seeds,
  agents: readonly SeedAgent[],
  give: Give,
): Promise<void> {
  for (const entry of seeds.configEntries) {
    const [first] = agents;
    if (first && !(await give(entry, () => ensureConfigEntry(entry, first.consul)))) return;
  }
  const limit = pLimit(registrationsAtOnce);
  await Promise.all(
    seeds.services.map((service) =>
      limit(() => give(service, () => agentOf(service, agents).consul.register(service.value))),
    ),
  );
}

async function ensureConfigEntry({ value }: Declared, consul: Consul): Promise<void> {
  const [kind, name] = [textField(value, "kind"), textField(value, "name")];
  const existing = kind && name ? await consul.configEntry(kind, name) : undefined;
  if (!existing || !covers(existing, value)) await consul.setConfigEntry(value);
}

/** The agent that a service is registered with. */
export function agentOf<T extends Pick<SeedAgent, "node" | "role" | "datacenter">>(
  { node }: Pick<DeclaredService, "node">,
  agents: readonly T[],
): T {
  const primary = agents.filter(({ datacenter }) => datacenter === agents[0]?.datacenter);
  const agent =
    node === undefined
      ? (primary.find(({ role }) => role === "client") ?? primary[0])
      : agents.find((each) => each.node === node);
  if (!agent)
    throw new Error(`no agent ${node}: the cluster file was not checked against the plan`);
  return agent;
}

/** Waits until a service is in the catalog and its checks have settled, asked through another agent. */
async function seenElsewhere(
  service: DeclaredService,
  agents: readonly SeedAgent[],
  seeding: Seeding,
): Promise<void> {
  const own = agentOf(service, agents);
  const { node, consul } = agents.find((agent) => agent !== own) ?? own;
  const name = textField(service.value, "name");
  const id = textField(service.value, "id") || name;
  const look = async (passed: number) => {
    const instances = await consul.service(name, own.datacenter);
    const found = instances.find((each) => each.id === id && each.node === own.node);
    return notSettled(service.value, found, passed);
  };
  const advice =
    "A check with `status: passing` is passing from the start; otherwise raise `timeout`, or shorten the check's interval.";
  await untilNothingLacks(
    look,
    seeding,
    (lacking) =>
      `${placeText(service.place)}: \`${service.name}\` was registered with ${own.node}, but asked through ${node} this is still so: ${lacking}. ${advice}`,
  );
}

/** Waits until a datacenter that is not the primary has copied from it what was declared. */
async function replicated(
  { policies, roles, configEntries }: Seeds,
  tokens: readonly SeededToken[],
  { node, datacenter, consul }: SeedAgent,
  seeding: Seeding,
): Promise<void> {
  const namesOf = (list: readonly Declared[]) => list.map(({ value }) => textField(value, "Name"));
  const copies = [
    { kind: "policy", key: "Name", wanted: namesOf(policies) },
    { kind: "role", key: "Name", wanted: namesOf(roles) },
    { kind: "token", key: "AccessorID", wanted: tokens.map(({ AccessorID }) => AccessorID) },
  ] as const;
  const look = async () => {
    for (const { kind, key, wanted } of copies) {
      const there = wanted.length > 0 ? await consul.aclObjects(kind) : [];
      const lacking = wanted.find(
        (each) => !there.some((object) => textField(object, key) === each),
      );
      if (lacking !== undefined) return `${kind} ${lacking} is not there`;
    }
    for (const { name, value } of configEntries) {
      const entry = await consul.configEntry(textField(value, "kind"), textField(value, "name"));
      if (!entry) return `\`${name}\` is not there`;
    }
    return undefined;
  };
  await untilNothingLacks(
    look,
    seeding,
    (lacking) =>
      `Datacenter ${datacenter} has not copied all from the primary, asked through ${node}: ${lacking}. Raise \`timeout\`, or look for the reason in the log of its servers.`,
  );
}

/**
 * @param look - tells what lacks, or undefined; gets the milliseconds that have passed
 * @param explain - the message where time is up
 */
async function untilNothingLacks(
  look: (passed: number) => Promise<string | undefined>,
  { timeout, signal }: Seeding,
  explain: (lacking: string) => string,
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const passed = performance.now() - started;
    const lacking = await look(passed).catch((error: unknown) => {
      if (error instanceof ConsulError) return error.message;
      throw error;
    });
    if (lacking === undefined) return;
    if (passed > timeout) {
      const message = `${explain(lacking)} (After ${timeout / 1000} s.)`;
      throw new ActionError("What is declared is not everywhere", message);
    }
    await sleep(pause, undefined, { signal });
  }
}

/**
 * Whether a service's checks have the status that they can reach. A check that runs by itself
 * has it once it has run, a TTL check from the start, since it waits for a word from outside.
 *
 * @param passed - milliseconds since the registration
 * @returns what is still to come, or undefined
 */
export function notSettled(
  definition: Definition,
  found: CatalogService | undefined,
  passed: number,
): string | undefined {
  const checks = checksOf(definition);
  if (!found) return "it is not in the catalog";
  if (found.checks.length < checks.length)
    return `${found.checks.length} of its ${checks.length} checks are in the catalog`;
  // Consul starts a check as critical and without output unless told otherwise.
  const silent = found.checks.filter(({ status, output }) => status === "critical" && !output);
  const waiting = checks.filter((check) => field(check, "ttl") && !isStartedWell(check));
  const hadTime = passed > Math.max(0, ...checks.map(longestFirstRun));
  if (silent.length <= waiting.length || hadTime) return undefined;
  return `${silent.length - waiting.length} of its checks have not run yet`;
}

const isStartedWell = (check: Definition) =>
  ["passing", "warning"].includes(textField(check, "status"));

function checksOf(definition: Definition): Definition[] {
  const several = field(definition, "checks");
  return [field(definition, "check"), ...(Array.isArray(several) ? several : [])].filter(isObject);
}

const isObject = (value: unknown): value is Definition =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Milliseconds that a check may run without saying so (agent/checks: a script's default timeout). */
const longestRun = 30_000;

/** Milliseconds after which a check has run once, even one that fails without a word. */
function longestFirstRun(check: Definition): number {
  const timeout = field(check, "timeout");
  return (
    milliseconds(field(check, "interval")) +
    (timeout === undefined ? longestRun : milliseconds(timeout))
  );
}

/** Milliseconds in each of Go's units. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go writes it (`1m30s`), or a number of nanoseconds, in milliseconds. */
export function milliseconds(duration: unknown): number {
  if (typeof duration === "number") return duration / 1e6;
  const parts = String(duration ?? "").matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g);
  return [...parts].reduce(
    (sum, [, count, unit = ""]) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );
}

/**
 * Whether what is there has all that is declared. Keys are compared as Consul reads them; what
 * Consul adds of its own does not count.
 */
export function covers(existing: unknown, declared: unknown): boolean {
  if (Array.isArray(declared)) {
    // Consul leaves out an empty list, or answers null.
    const found = Array.isArray(existing) ? existing : [];
    const isEqual = (item: unknown, index: number) => covers(found[index], item);
    return found.length === declared.length && declared.every(isEqual);
  }
  if (!isObject(declared)) return isDeepStrictEqual(existing, declared);
  if (!isObject(existing)) return false;
  const found = new Map(Object.entries(existing).map(([key, value]) => [sameKey(key), value]));
  return Object.entries(declared).every(([key, value]) => covers(found.get(sameKey(key)), value));
}
