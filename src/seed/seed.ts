import { InputError, type Problem } from "../errors.ts";
import type { Declared, Seeds } from "../inputs/seeds.ts";
import { type SeededToken, seedAcl } from "./acl.ts";
import { textField } from "./declared.ts";
import { seedKeys } from "./kv.ts";
import {
  collectRefusal,
  type Named,
  type SeedAgent,
  type Seeding,
  untilNothingLacks,
} from "./progress.ts";
import { seedEntriesThenServices, seenElsewhere } from "./services.ts";

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
  const give = (declared: Named, giving: () => Promise<void>) =>
    collectRefusal(problems, declared, giving);

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
  for (const line of seedCounts(seeds)) log(line);
  return tokens;
}

/** The first agent of every datacenter but the primary. */
function firstElsewhere(agents: readonly SeedAgent[]): SeedAgent[] {
  const [, ...others] = Map.groupBy(agents, ({ datacenter }) => datacenter).values();
  return others.flatMap((there) => there.slice(0, 1));
}

export const hasSeeds = (seeds: Seeds) => Object.values(seeds).some((list) => list.length > 0);

function seedCounts({ policies, roles, tokens, kv, configEntries, services }: Seeds): string[] {
  const counts = { policies, roles, tokens, keys: kv, "config entries": configEntries, services };
  return Object.entries(counts)
    .filter(([, list]) => list.length > 0)
    .map(([what, list]) => `${what}: ${list.length} there`);
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
