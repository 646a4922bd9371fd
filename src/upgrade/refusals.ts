import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { losesRaftLog } from "../consul/upgrade-paths.ts";
import { isOlder } from "../consul/version-number.ts";
import { firstVersion, has } from "../consul/versions.ts";
import { ActionError, InputError } from "../errors.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { answerOf } from "../ready/agents.ts";
import type { UpgradeStep } from "./step.ts";

/**
 * Asks for something that the upgrade can't go on without. An agent that is slow, or that has no
 * leader for a moment, is asked again until the step's timeout; one that refuses is not.
 *
 * @param question - what is asked for, for the message
 * @throws ActionError naming the agent and its last answer
 */
export async function askOrFail<T>(
  { spec: { timeout }, signal }: Pick<UpgradeStep, "spec" | "signal">,
  agent: Pick<FoundAgent, "node" | "consul">,
  question: string,
  answer: (consul: Consul) => Promise<T>,
): Promise<T> {
  const attempt = (consul: Consul) =>
    answer(consul).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      const message = `${agent.node} was asked for ${question} and answered: ${error.message}`;
      throw new ActionError("Consul refused a request", message, { cause: error });
    });
  return answerOf(agent, `answer a request for ${question}`, attempt, { timeout, signal });
}

const isRefusal = (error: unknown): error is ConsulError =>
  error instanceof ConsulError && error.status !== undefined && error.status < 500;

/** @throws ActionError if a node is down, or keeps its data in memory */
export function refuseUnlessWhole(agents: readonly FoundAgent[]): void {
  const away = agents.filter(({ state }) => state !== "running");
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

/** A change to an older version. */
interface Downgrade {
  readonly from: string;
  readonly to: string;
}

/**
 * The downgrade that an upgrade would be, for some agent. An agent that is newer than a stop waits for a
 * later one, unless all are.
 *
 * @param current - the agents' versions
 * @param targets - the versions of the stops, then the wanted one
 */
export function downgradeOf(
  current: readonly string[],
  targets: readonly string[],
): Downgrade | undefined {
  const [first = "", last = ""] = [targets.at(0), targets.at(-1)];
  const newerThan = (target: string) => current.filter((version) => isOlder(target, version));
  const [beyond] = newerThan(last);
  if (beyond !== undefined) return { from: beyond, to: last };
  const ahead = newerThan(first);
  const [from] = ahead;
  return from !== undefined && ahead.length === current.length ? { from, to: first } : undefined;
}

/**
 * @param current - the agents' versions
 * @param targets - the versions of the stops, then the wanted one
 * @throws InputError if this is a downgrade, unless forced
 */
export function refuseDowngrade(
  current: readonly string[],
  targets: readonly string[],
  force: boolean,
): void {
  const downgrade = downgradeOf(current, targets);
  if (!downgrade || force) return;
  const { from: newer, to: wanted } = downgrade;
  const message = `The cluster runs Consul ${newer}, and ${wanted} is older. Consul does not support downgrades: an older version may not be able to read the servers' data.${lostLogText(newer, wanted)} To try anyway, set \`force: true\`.`;
  throw new InputError([{ input: "version", message }]);
}

/**
 * @param targets - the versions of the stops, then the wanted one
 * @throws InputError if the cluster has peerings, and a version has none
 */
export function refuseWithoutPeering(
  agents: readonly Pick<FoundAgent, "dials">[],
  targets: readonly string[],
): void {
  const without = targets.find((version) => !has(version, "peering"));
  if (without === undefined || agents.every(({ dials }) => dials.length === 0)) return;
  const message = `The cluster has peerings, which came with Consul ${firstVersion("peering")}, and ${without} is older: its servers could not read their data.`;
  throw new InputError([{ input: "version", message }]);
}

/**
 * What a downgrade loses for sure, as sentences after a space; empty if nothing. Measured from 1.22.7
 * to 1.15.11 under writes: a single server lost those since the snapshot, three servers lost none.
 */
export const lostLogText = (from: string, to: string) =>
  losesRaftLog(from, to)
    ? ` Data is lost: a server that was first started with Consul 1.20 or later keeps Raft's log in a format (WAL) that ${to} does not read, so it starts with an empty log. A single server loses every write since Raft's last snapshot; with several, each gets the log from the others.`
    : "";

/**
 * Agents of a cluster that was started with Consul 1.4 have legacy tokens, too.
 *
 * @throws InputError if there are legacy tokens and the wanted version doesn't support them
 */
export async function refuseLegacyTokens(
  step: UpgradeStep,
  first: FoundAgent,
  wanted: string,
): Promise<void> {
  if (!has(wanted, "noLegacyTokens")) return;
  const tokens = await askOrFail(step, first, "ACL tokens", (consul) =>
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
