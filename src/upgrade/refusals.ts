import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { ActionError, InputError } from "../errors.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import { takesLegacyTokens } from "../plan/security-config.ts";
import { isOlder } from "./image-version.ts";

/** An answer that the upgrade can't go on without. */
export async function askOrFail<T>(
  { node, consul }: FoundAgent,
  question: string,
  answer: (consul: Consul) => Promise<T>,
): Promise<T> {
  try {
    return await answer(consul);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    const message = `${node}, asked for ${question}, answered: ${error.message}`;
    throw new ActionError("Consul refused", message, { cause: error });
  }
}

export function refuseUnlessWhole(agents: readonly FoundAgent[]): void {
  const away = agents.filter((agent) => !isUp(agent));
  if (away.length > 0) {
    const states = away.map(({ node, state }) => `${node} is ${state}`).join(", ");
    const message = `An upgrade needs every node at work, but ${states}. Bring them back first, with the action fault: start, resume or heal.`;
    throw new ActionError("The cluster is not whole", message);
  }
  const forgetful = agents.find(({ facts }) => facts.Config.Cmd?.includes("-dev"));
  if (!forgetful) return;
  const message = `${forgetful.node} keeps its data in memory (\`-dev\`), so nothing of it would be left after the upgrade. Start the cluster with its data on disk.`;
  throw new ActionError("No data to upgrade on", message);
}

/** Consul's data has no way back: a newer version may have written what an older one can't read. */
export function refuseDowngrade(current: readonly string[], wanted: string, force: boolean): void {
  const newer = current.find((version) => isOlder(wanted, version));
  if (newer === undefined || force) return;
  const message = `The cluster runs Consul ${newer}, and ${wanted} is older. Consul does not support downgrades: the servers' data may hold what an older version can't read. To try nevertheless, set \`force: true\`.`;
  throw new InputError([{ input: "version", message }]);
}

/** Agents of a cluster that was started with Consul 1.4 have tokens of that kind themselves. */
export async function refuseLegacyTokens(first: FoundAgent, wanted: string): Promise<void> {
  if (takesLegacyTokens(wanted)) return;
  const tokens = await askOrFail(first, "ACL tokens", (consul) =>
    consul.aclObjects("token").catch((error: unknown) => {
      // This is how Consul says that it has no ACLs.
      if (error instanceof ConsulError && error.status === 401) return [];
      throw error;
    }),
  );
  const names = tokens.filter(({ Legacy }) => Legacy === true).map((token) => token.Description);
  if (names.length === 0) return;
  const message = `The cluster has ACL tokens of the legacy kind (${names.join(", ")}), which Consul takes no more from 1.11 on: whoever has one would be shut out by ${wanted}. Replace them by tokens with policies first, or start the cluster with Consul 1.5 or later, whose agents have none of that kind.`;
  throw new InputError([{ input: "version", message }]);
}
