import pLimit from "p-limit";
import type { CatalogService } from "../consul/answers.ts";
import type { Consul } from "../consul/consul.ts";
import {
  type Declared,
  type DeclaredEntry,
  type DeclaredService,
  type Definition,
  field,
  type Seeds,
  scopeOf,
} from "../inputs/seeds.ts";
import { placeText } from "../inputs/wording.ts";
import { type AgentClient, byFederation } from "../ready/agents.ts";
import { covers, isObject, textField } from "./declared.ts";
import { type Seeding, untilNothingIsMissing, type Write } from "./progress.ts";

/** Services that are registered at once. */
const registrationsAtOnce = 8;

/** Config entries first: a service can depend on them, as a sidecar does on its service's defaults. */
export async function seedEntriesThenServices(
  seeds: Seeds,
  agents: readonly AgentClient[],
  write: Write,
): Promise<void> {
  for (const [federation, [first]] of byFederation(agents))
    for (const entry of seeds.configEntries.filter(isEntryOf(federation)))
      if (first && !(await write(entry, () => ensureConfigEntry(entry, first.consul)))) return;
  const limit = pLimit(registrationsAtOnce);
  await Promise.all(
    seeds.services.map((service) =>
      limit(() =>
        write(service, () => registrationAgent(service, agents).consul.register(service.value)),
      ),
    ),
  );
}

/** Whether a configuration entry is for a primary datacenter, and those that are joined with it. */
export const isEntryOf =
  (primary: string) =>
  ({ datacenter }: DeclaredEntry) =>
    datacenter === undefined || datacenter === primary;

async function ensureConfigEntry({ value }: Declared, consul: Consul): Promise<void> {
  const [kind, name] = [textField(value, "kind"), textField(value, "name")];
  const existing =
    kind && name ? await consul.configEntry(kind, name, undefined, scopeOf(value)) : undefined;
  if (!existing || !covers(existing, value)) await consul.setConfigEntry(value);
}

/** The agent to register a service with. */
export function registrationAgent<T extends Pick<AgentClient, "node" | "role" | "datacenter">>(
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

/** Waits until another agent sees a service in the catalog with settled checks. */
export async function untilVisible(
  service: DeclaredService,
  agents: readonly AgentClient[],
  seeding: Seeding,
): Promise<void> {
  const own = registrationAgent(service, agents);
  const isOther = (agent: AgentClient) => agent !== own && agent.federation === own.federation;
  const { node, consul } = agents.find(isOther) ?? own;
  const name = textField(service.value, "name");
  const id = textField(service.value, "id") || name;
  const look = async (passed: number) => {
    const instances = await consul.service(name, own.datacenter, scopeOf(service.value));
    const found = instances.find((each) => each.id === id && each.node === own.node);
    return notSettled(service.value, found, passed);
  };
  const advice =
    "A check with `status: passing` passes from the start. Otherwise raise `timeout`, or shorten the check's interval.";
  await untilNothingIsMissing(
    look,
    seeding,
    (missing) =>
      `${placeText(service.place)}: \`${service.name}\` was registered with ${own.node}, but as seen through ${node}, ${missing}. ${advice}`,
  );
}

/**
 * Whether a service's checks have settled. A check that Consul runs has settled once it has run. A TTL
 * check has from the start, because it waits for an update from outside.
 *
 * @param passed - milliseconds since the registration
 * @returns what is still missing, or undefined
 */
export function notSettled(
  definition: Definition,
  found: CatalogService | undefined,
  passed: number,
): string | undefined {
  const checks = checksOf(definition);
  if (!found) return "it is not in the catalog";
  if (found.checks.length < checks.length)
    return `only ${found.checks.length} of its ${checks.length} checks are in the catalog`;
  // A check starts as critical and without output, unless its definition says otherwise.
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

/** Milliseconds that a check may run if it sets no timeout (agent/checks: the default of scripts). */
const longestRun = 30_000;

/** Milliseconds after which a check has run once, even one that fails without output. */
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
