import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { isOlder } from "../consul/version-number.ts";
import { has } from "../consul/versions.ts";
import { ActionError, InputError } from "../errors.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";

/**
 * Asks for something that the upgrade can't go on without.
 *
 * @param question - what is asked for, for the message
 * @throws ActionError naming the agent and its answer
 */
export async function askOrFail<T>(
  { node, consul }: FoundAgent,
  question: string,
  answer: (consul: Consul) => Promise<T>,
): Promise<T> {
  try {
    return await answer(consul);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    const message = `${node} was asked for ${question} and answered: ${error.message}`;
    throw new ActionError("Consul refused a request", message, { cause: error });
  }
}

/** @throws ActionError if a node is down, or keeps its data in memory */
export function refuseUnlessWhole(agents: readonly FoundAgent[]): void {
  const away = agents.filter((agent) => !isUp(agent));
  if (away.length > 0) {
    const states = away.map(({ node, state }) => `${node} is ${state}`).join(", ");
    const message = `An upgrade needs every node running, but ${states}. Bring these nodes back first, with the \`fault\` action: \`start\`, \`resume\`, or \`heal\`.`;
    throw new ActionError("Not all nodes are running", message);
  }
  const inMemory = agents.find(({ storage }) => storage === "memory");
  if (!inMemory) return;
  const message = `${inMemory.node} keeps its data in memory and would lose all of it in the upgrade. Start the cluster with \`storage: disk\`.`;
  throw new ActionError("The cluster's data is in memory", message);
}

/**
 * @param current - the agents' versions
 * @throws InputError if one of them is newer than the wanted one, unless forced
 */
export function refuseDowngrade(current: readonly string[], wanted: string, force: boolean): void {
  const newer = current.find((version) => isOlder(wanted, version));
  if (newer === undefined || force) return;
  const message = `The cluster runs Consul ${newer}, and ${wanted} is older. Consul does not support downgrades: an older version may not be able to read the servers' data. To try anyway, set \`force: true\`.`;
  throw new InputError([{ input: "version", message }]);
}

/**
 * Agents of a cluster that was started with Consul 1.4 have legacy tokens, too.
 *
 * @throws InputError if there are legacy tokens and the wanted version doesn't support them
 */
export async function refuseLegacyTokens(first: FoundAgent, wanted: string): Promise<void> {
  if (!has(wanted, "noLegacyTokens")) return;
  const tokens = await askOrFail(first, "ACL tokens", (consul) =>
    consul.acl.objects("token").catch((error: unknown) => {
      // Consul answers 401 if ACLs are disabled.
      if (error instanceof ConsulError && error.status === 401) return [];
      throw error;
    }),
  );
  const names = tokens.filter(({ Legacy }) => Legacy === true).map((token) => token.Description);
  if (names.length === 0) return;
  const message = `The cluster has legacy ACL tokens (${names.join(", ")}), which Consul ${wanted} does not support: 1.11 removed them. Replace them with tokens that have policies first, or start the cluster with Consul 1.5 or later, whose agents have no legacy tokens.`;
  throw new InputError([{ input: "version", message }]);
}
