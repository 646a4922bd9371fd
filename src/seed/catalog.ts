/** What a cluster file declares for the catalog itself, without an agent. */
import type { Consul } from "../consul/consul.ts";
import { type Declared, type Definition, field, type Seeds } from "../inputs/seeds.ts";
import { placeText } from "../inputs/wording.ts";
import { type AgentClient, serversIn } from "../ready/agents.ts";
import { covers, isObject, textField } from "./declared.ts";
import { type Seeding, untilNothingIsMissing, type Write } from "./progress.ts";

/** In the file's order: a later registration may add to a node of an earlier one. */
export async function seedCatalog(
  { catalog, preparedQueries }: Pick<Seeds, "catalog" | "preparedQueries">,
  agents: readonly AgentClient[],
  write: Write,
): Promise<void> {
  const [first] = agents;
  if (!first) return;
  for (const declared of catalog) {
    // An agent that is not joined with it over WAN knows no way there.
    const datacenter = textField(declared.value, "Datacenter");
    const { consul } = agents.find((agent) => agent.datacenter === datacenter) ?? first;
    await write(declared, () => consul.registerInCatalog(declared.value));
  }
  for (const declared of preparedQueries)
    await write(declared, () => ensureQuery(first.consul, declared.value));
}

async function ensureQuery(consul: Consul, declared: Definition): Promise<void> {
  const existing = sameQuery(await consul.preparedQueries(), declared);
  if (existing && covers(existing, declared)) return;
  await consul.setPreparedQuery(declared, existing && textField(existing, "ID"));
}

/** The prepared query of the same name; of templates, one may have an empty name. */
export function sameQuery<T extends Definition>(
  queries: readonly T[],
  declared: Definition,
): T | undefined {
  const name = textField(declared, "Name");
  const templateOf = (query: Definition) => {
    const template = field(query, "Template");
    return isObject(template) ? textField(template, "Type") : "";
  };
  return queries.find(
    (query) =>
      textField(query, "Name") === name &&
      (name !== "" || (templateOf(query) !== "" && templateOf(query) === templateOf(declared))),
  );
}

/**
 * Waits until every server has what was declared: an agent asks any of them when it answers DNS.
 *
 * @param agents - those of the primary datacenter first
 */
export async function untilEveryServerHas(
  { catalog, preparedQueries }: Pick<Seeds, "catalog" | "preparedQueries">,
  agents: readonly AgentClient[],
  seeding: Seeding,
): Promise<void> {
  const primary = agents[0]?.datacenter ?? "";
  await Promise.all([
    ...catalog.map((declared) => {
      const datacenter = textField(declared.value, "Datacenter") || primary;
      return untilSeen(declared, serversIn(agents, datacenter), seeding, (consul) =>
        isRegistered(consul, declared.value),
      );
    }),
    ...preparedQueries.map((declared) =>
      untilSeen(declared, serversIn(agents, primary), seeding, async (consul) => {
        const queries = await consul.preparedQueries("stale");
        return sameQuery(queries, declared.value) !== undefined;
      }),
    ),
  ]);
}

async function isRegistered(consul: Consul, registration: Definition): Promise<boolean> {
  const services = await consul.servicesOf(textField(registration, "Node"));
  const service = field(registration, "Service");
  if (!isObject(service)) return services !== undefined;
  const id = textField(service, "ID") || textField(service, "Service");
  return services?.includes(id) === true;
}

function untilSeen(
  { name, place }: Declared,
  asked: readonly AgentClient[],
  seeding: Seeding,
  isSeen: (consul: Consul) => Promise<boolean>,
): Promise<void> {
  const look = async () => {
    const seen = await Promise.all(asked.map(({ consul }) => isSeen(consul)));
    const missing = asked.filter((_, index) => !seen[index]).map(({ node }) => node);
    return missing.length === 0 ? undefined : missing.join(" and ");
  };
  return untilNothingIsMissing(
    look,
    seeding,
    (missing) =>
      `${placeText(place)}: \`${name}\` was accepted, but is not known to ${missing}. Raise \`timeout\`, or look for the reason in the logs of the servers.`,
  );
}
