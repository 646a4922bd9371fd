import { InputError, type Problem } from "../errors.ts";
import { type Declared, type Seeds, scopeOf } from "../inputs/seeds.ts";
import { type AgentClient, byDatacenter, byFederation } from "../ready/agents.ts";
import { type SeededToken, seedAclIn } from "./acl.ts";
import { seedCatalog, untilEveryServerHas } from "./catalog.ts";
import { textField } from "./declared.ts";
import { seedFeatureGates } from "./feature-gates.ts";
import { seedKeys } from "./kv.ts";
import { seedPeerings, untilPeered } from "./peerings.ts";
import { collectRefusal, type Named, type Seeding, untilNothingIsMissing } from "./progress.ts";
import { seedScopes } from "./scopes.ts";
import { isEntryOf, seedEntriesThenServices, untilVisible } from "./services.ts";

/**
 * Writes what the cluster file declares to the cluster, and waits until other agents see all of it.
 * Objects that already exist as declared are not written again.
 *
 * @param agents - the agents of a cluster that is ready, those of the first datacenter first, and those of
 *   a primary datacenter before those that are joined with it over WAN
 * @returns the declared tokens, in the file's order
 * @throws InputError with everything that Consul refused, and its place in the file
 * @throws ActionError if something does not show up in time
 */
export async function seed(
  seeds: Seeds,
  agents: readonly AgentClient[],
  seeding: Seeding,
): Promise<SeededToken[]> {
  const { log, onSecret } = seeding;
  const [first] = agents;
  if (!first) throw new Error("a cluster has at least one server");
  const { consul } = first;
  const primaries = [...byFederation(agents).values()].flatMap((joined) => joined.slice(0, 1));
  const problems: Problem[] = [];
  const writing = { problems, patience: seeding };
  const write = (declared: Named, action: () => Promise<void>) =>
    collectRefusal(writing, declared, action);

  await seedFeatureGates(seeds.featureGates, agents, seeding, write);
  for (const primary of primaries) await seedScopes(seeds, primary.consul, write);
  if (problems.length > 0) throw new InputError(problems);
  const [tokens] = await Promise.all([
    seedAclIn(primaries, seeds, write),
    seedKeys(seeds.kv, consul, writing),
    seedEntriesThenServices(seeds, agents, write),
    seedCatalog(seeds, agents, write),
    seedPeerings(seeds.peerings, agents, { seeding, writing }),
  ]);
  for (const { SecretID } of tokens) onSecret(SecretID);
  if (problems.length > 0) throw new InputError(problems);
  await Promise.all([
    ...seeds.services.map((service) => untilVisible(service, agents, seeding)),
    untilEveryServerHas(seeds, agents, seeding),
    ...firstOfSecondaries(agents).map((agent) => untilReplicated(seeds, tokens, agent, seeding)),
  ]);
  // What is exported must have settled at home.
  await untilPeered(seeds.peerings, agents, seeding);
  for (const line of seedCounts(seeds)) log(line);
  return tokens;
}

/** The first agent of every secondary datacenter. */
function firstOfSecondaries(agents: readonly AgentClient[]): AgentClient[] {
  return [...byDatacenter(agents).values()]
    .flatMap((there) => there.slice(0, 1))
    .filter(({ datacenter, federation }) => datacenter !== federation);
}

export const hasSeeds = (seeds: Seeds) => Object.values(seeds).some((list) => list.length > 0);

/** What a cluster file declares, by kind, as logs and summaries call the kinds. */
export const seedKinds = (seeds: Seeds) => ({
  "feature gates": seeds.featureGates,
  policies: seeds.policies,
  roles: seeds.roles,
  "auth methods": seeds.authMethods,
  "binding rules": seeds.bindingRules,
  tokens: seeds.tokens,
  keys: seeds.kv,
  "config entries": seeds.configEntries,
  services: seeds.services,
  "registrations with the catalog": seeds.catalog,
  "prepared queries": seeds.preparedQueries,
  peerings: seeds.peerings,
});

const seedCounts = (seeds: Seeds): string[] =>
  Object.entries(seedKinds(seeds))
    .filter(([, list]) => list.length > 0)
    .map(([what, list]) => `${what}: ${list.length}`);

/** Waits until a secondary datacenter has copied what was declared from the primary. */
async function untilReplicated(
  { policies, roles, configEntries }: Seeds,
  tokens: readonly SeededToken[],
  { node, datacenter, federation, consul }: AgentClient,
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
      const existing = wanted.length > 0 ? await consul.acl.objects(kind) : [];
      const missing = wanted.find(
        (each) => !existing.some((object) => textField(object, key) === each),
      );
      if (missing !== undefined) return `${kind} ${missing} is missing`;
    }
    for (const { name, value } of configEntries.filter(isEntryOf(federation))) {
      const [kind, entryName] = [textField(value, "kind"), textField(value, "name")];
      const entry = await consul.configEntry(kind, entryName, undefined, scopeOf(value));
      if (!entry) return `\`${name}\` is missing`;
    }
    return undefined;
  };
  await untilNothingIsMissing(
    look,
    seeding,
    (missing) =>
      `Datacenter ${datacenter} has not replicated everything from the primary, as seen through ${node}: ${missing}. Raise \`timeout\`, or look for the reason in the logs of its servers.`,
  );
}
