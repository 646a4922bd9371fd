/** What is wrong with a step's inputs in view of the cluster, before anything is changed. */
import { ActionError, counted, InputError } from "../errors.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { clientsOn, warningsOf } from "../inputs/cross-checks.ts";
import { nearest } from "../inputs/wording.ts";
import { byDatacenter, servers } from "../ready/agents.ts";
import type { Wanted } from "./changes.ts";
import { scaledClients } from "./scale-inputs.ts";

/**
 * The datacenter that a step is about: the one that it names, or the only one.
 *
 * @throws InputError if there is no such datacenter, or if several are left to choose from
 */
export function datacenterFor(agents: readonly FoundAgent[], wanted: string): string {
  const names = [...byDatacenter(agents).keys()];
  const [only = "", ...others] = names;
  if (wanted === "" && others.length === 0) return only;
  if (names.includes(wanted)) return wanted;
  const near = nearest(wanted, names);
  const message =
    wanted === ""
      ? `A step scales one datacenter, and this cluster has several: set \`datacenter\` to one of ${names.join(", ")}.`
      : `Input \`datacenter\` is "${wanted}", but the cluster's datacenters are ${names.join(", ")}.${near === undefined ? "" : ` Did you mean \`${near}\`?`}`;
  throw new InputError([{ input: "datacenter", message }]);
}

/**
 * @param there - the agents of the datacenter
 * @throws InputError if its only server keeps its data in memory, and there are to be several
 */
export function refuseMemory(there: readonly FoundAgent[], wanted: Wanted): void {
  const inMemory = servers(there).find(({ storage }) => storage === "memory");
  if (!inMemory || (wanted.servers ?? 1) === 1) return;
  const message = `Input \`servers\` is ${wanted.servers}, but ${inMemory.node} keeps its data in memory: Consul does that only in \`-dev\` mode, in which a server elects itself, so several servers never form one cluster. Start the cluster with \`storage: disk\`.`;
  throw new InputError([{ input: "servers", message }]);
}

/**
 * @param engines - how many the cluster is on; 0 for the one in use
 * @throws InputError if these take fewer clients
 */
export function refuseTooMany({ clients = 0 }: Wanted, engines: number): void {
  if (clients <= clientsOn(engines)) return;
  const message = `Input \`clients\` is "${clients}": it must be ${scaledClients}, and the cluster is on ${counted(Math.max(1, engines), "engine")}.`;
  throw new InputError([{ input: "clients", message }]);
}

/**
 * @param agents - all of the cluster
 * @throws ActionError if a node is down or cut off: no new one could settle, and quorums would be smaller
 *   than they look
 */
export function refuseUnlessWhole(agents: readonly FoundAgent[]): void {
  const away = agents.filter(({ state }) => state !== "running");
  if (away.length === 0) return;
  const states = away.map(({ node, state }) => `${node} is ${state}`).join(", ");
  const message = `A cluster is scaled while every node is running, but ${states}. Bring these nodes back first, with the \`fault\` action: \`start\`, \`resume\`, or \`heal\`.`;
  throw new ActionError("Not all nodes are running", message);
}

/**
 * Warnings about the wanted size that the present size does not deserve. Pure.
 *
 * @param engines - docker contexts, if there are several
 */
export function scaleWarnings(
  agents: readonly Pick<FoundAgent, "role" | "datacenter">[],
  datacenter: string,
  wanted: Wanted,
  engines: readonly string[] = [],
): string[] {
  const before = Array.from(
    Map.groupBy(agents, (each) => each.datacenter),
    ([name, there]) => {
      const count = there.filter(({ role }) => role === "server").length;
      return { name, servers: count, clients: there.length - count };
    },
  );
  const after = before.map((shape) =>
    shape.name === datacenter
      ? {
          name: shape.name,
          servers: wanted.servers ?? shape.servers,
          clients: wanted.clients ?? shape.clients,
        }
      : shape,
  );
  const known = warningsOf({ datacenters: before, engines });
  return warningsOf({ datacenters: after, engines }).filter((warning) => !known.includes(warning));
}
