/** Peerings between datacenters that are not joined over WAN. */
import type { ServiceInstance } from "../consul/catalog.ts";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { everyService } from "../consul/peerings.ts";
import type { Peers } from "../inputs/peerings.ts";
import { type AgentClient, type Answer, ask, linesOf, serversIn } from "./agents.ts";
import { type Gate, together, type Verdict } from "./gates.ts";

/** A peering, and the servers of its two sides that run. */
export interface Peering extends Peers {
  readonly accepting: readonly AgentClient[];
  readonly dialing: readonly AgentClient[];
}

/**
 * Peerings with the servers that run their sides.
 *
 * @param agents - those that run; a peering of which one side has no server there is left out
 */
export const peeringsOf = (all: readonly Peers[], agents: readonly AgentClient[]): Peering[] =>
  all
    .map(({ acceptor, dialer }) => ({
      ...{ acceptor, dialer },
      accepting: serversIn(agents, acceptor),
      dialing: serversIn(agents, dialer),
    }))
    .filter(({ accepting, dialing }) => accepting.length > 0 && dialing.length > 0);

/**
 * Establishes a peering, or has an established one dialed again: the token has the addresses that the
 * acceptor's servers have now.
 *
 * @param onSecret - gets the peering token
 */
export async function connect(
  { acceptor, dialer }: Peers,
  [accepting, dialing]: readonly [Consul, Consul],
  onSecret: (secret: string) => void = () => {},
): Promise<void> {
  const token = await accepting.peerings.generateToken(dialer);
  onSecret(token);
  await dialing.peerings.establish(acceptor, token);
}

/**
 * What must hold of peerings; none if there are none. The gates ask the peerings' own servers. A peering
 * that the job itself has deleted meanwhile stays so.
 */
export function peeringGates(peerings: readonly Peering[]): Gate[] {
  if (peerings.length === 0) return [];
  const deleted = new Set<Peering>();
  const looks = peerings.map((peering) => activity(peering, deleted));
  return [
    {
      name: "both sides of every peering report it as active",
      look: async () => together(await Promise.all(looks.map((look) => look()))),
    },
    {
      name: "every server shows the services that peers export to its datacenter, with the same health as there",
      look: async () => {
        const left = peerings.filter((peering) => !deleted.has(peering));
        const sides = left.flatMap(({ acceptor, dialer, accepting, dialing }) => [
          importsOf({ from: acceptor, exporting: accepting, to: dialer, importing: dialing }),
          importsOf({ from: dialer, exporting: dialing, to: acceptor, importing: accepting }),
        ]);
        return together(await Promise.all(sides));
      },
    },
  ];
}

/**
 * Milliseconds after which a peering that is not active is dialed again. By itself, the dialer waits for up
 * to 64 s after each failure (`peeringRetryTimeout` in agent/consul/leader_peering.go), and if the acceptor's
 * servers have all got other addresses, it never hears of these. A leader looks at its peerings at most every 5
 * s, and first dials 5 s after its election (`loopRateLimit` in leader_connect.go; seen on 1.22.7).
 */
const helpAfter = 6000;

/**
 * @param deleted - gets the peering if it was deleted
 * @returns looks at whether both sides are active, and helps if they are not for long
 */
function activity(peering: Peering, deleted: Set<Peering>): () => Promise<Verdict> {
  const { acceptor, dialer, accepting, dialing } = peering;
  let since: number | undefined;
  return async () => {
    const states = await Promise.all([
      askFirst(accepting, ({ peerings }) => peerings.state(dialer)),
      askFirst(dialing, ({ peerings }) => peerings.state(acceptor)),
    ]);
    if (isDeleted(states.map(({ answer }) => answer))) {
      deleted.add(peering);
      return { status: `${acceptor} and ${dialer}: no longer peered`, failing: [] };
    }
    const failing = states.flatMap(({ node, answer }, index) => {
      const other = index === 0 ? dialer : acceptor;
      if (answer instanceof ConsulError) return [`${node}: ${answer.message}`];
      if (answer === "ACTIVE") return [];
      return [`${node}: the peering with ${other} is ${answer ?? "not there"}`];
    });
    const status = `${acceptor} and ${dialer}: ${failing.length === 0 ? "peered" : "not peered yet"}`;
    if (failing.length === 0) {
      since = undefined;
      return { status, failing };
    }
    const now = performance.now();
    since ??= now;
    if (now - since < helpAfter || states.some(({ answer }) => answer instanceof ConsulError))
      return { status, failing };
    since = now;
    return { status, failing: [...failing, ...(await dialAgain(peering))] };
  };
}

/** The side that deletes a peering forgets it, and the other remembers that its peer has ended it. */
const isDeleted = (states: readonly (string | undefined | ConsulError)[]) =>
  states.every((state) => state === undefined) ||
  states.some((state) => state === "TERMINATED" || state === "DELETING");

/** Asks the first of these servers. */
async function askFirst<T>(
  servers: readonly AgentClient[],
  question: (consul: Consul) => Promise<T>,
): Promise<Answer<T>> {
  const [answer] = await ask(servers.slice(0, 1), question);
  if (!answer) throw new Error("each side of a peering has a server");
  return answer;
}

/** @returns a line if that fails */
async function dialAgain(peering: Peering): Promise<string[]> {
  const [accepting] = peering.accepting;
  const [dialing] = peering.dialing;
  if (!accepting || !dialing) return [];
  try {
    await connect(peering, [accepting.consul, dialing.consul]);
    return [];
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    return [`${dialing.node}: could not dial ${peering.acceptor} again: ${error.message}`];
  }
}

/** One direction of a peering. */
interface Direction {
  readonly from: string;
  readonly exporting: readonly AgentClient[];
  readonly to: string;
  readonly importing: readonly AgentClient[];
}

/** DNS answers from the state of the server that it asks, so every server must have what is exported. */
async function importsOf({ from, exporting, to, importing }: Direction): Promise<Verdict> {
  const { node, answer } = await askFirst(exporting, (consul) => exportsOf(consul, to));
  if (answer instanceof ConsulError) return verdictOf(from, to, [`${node}: ${answer.message}`]);
  const views = await ask(importing, async ({ catalog }) => {
    const found = Array.from(answer, async ([name, wanted]) =>
      differences(wanted, healthOf(await catalog.instances(name, "stale", from))),
    );
    return (await Promise.all(found)).flat();
  });
  const failing = linesOf(views, (lines) => lines.map((line) => `${line} in ${from}`));
  return verdictOf(from, to, failing);
}

const verdictOf = (from: string, to: string, failing: readonly string[]): Verdict => ({
  status: `${failing.length === 0 ? "all" : "not all"} that ${from} exports in ${to}`,
  failing,
});

/** The instances of each service that is exported to a peer, with their health. */
async function exportsOf(
  { peerings, catalog }: Consul,
  peer: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const named = await peerings.exportedTo(peer);
  const all = named.includes(everyService) ? await catalog.serviceNames() : named;
  // Consul never exports its servers, and proxies are part of their services.
  const found = all
    .filter((name) => name !== "consul")
    .map(async (name) => {
      const instances = await catalog.instances(name, "consistent");
      return [name, healthOf(instances)] as const;
    });
  return new Map(await Promise.all(found));
}

/** `web on client-1 is passing`, sorted. */
const healthOf = (instances: readonly ServiceInstance[]): string[] =>
  instances
    .filter(({ kind }) => kind === "")
    .map(({ id, node, checks }) => `${id} on ${node} is ${worst(checks)}`)
    .sort();

/** A peer gets one check for all of an instance's, with the worst status of them. */
function worst(checks: ServiceInstance["checks"]): string {
  const statuses = checks.map(({ status }) => status);
  // In maintenance, a peer sees that word instead.
  if (statuses.some((status) => status === "critical" || status === "maintenance"))
    return "critical";
  return statuses.includes("warning") ? "warning" : "passing";
}

/** What differs from what is exported. Pure. */
function differences(exported: readonly string[], seen: readonly string[]): string[] {
  const missing = exported.filter((line) => !seen.includes(line));
  const beyond = seen.filter((line) => !exported.includes(line));
  return [
    ...missing.map((line) => `does not show that ${line}`),
    ...beyond.map((line) => `shows that ${line}, which it is not`),
  ];
}
