/** Peerings that a cluster file declares. */
import { ConsulError } from "../consul/http.ts";
import type { DeclaredPeering } from "../inputs/seeds.ts";
import { placeText } from "../inputs/wording.ts";
import { type AgentClient, servers } from "../ready/agents.ts";
import { connect, type Peering, peeringGates, peeringsOf } from "../ready/peerings.ts";
import { untilHold } from "../ready/wait.ts";
import { refusedByConsul, type Seeding, untilNothingIsMissing, type Writing } from "./progress.ts";

/**
 * Establishes each peering. Until the servers have the certificates that Connect's CA issues for this, they
 * can't, so it is tried until it succeeds.
 *
 * @throws ActionError if one can't be established in time
 */
export async function seedPeerings(
  declared: readonly DeclaredPeering[],
  agents: readonly AgentClient[],
  { seeding, writing }: { readonly seeding: Seeding; readonly writing: Writing },
): Promise<void> {
  await Promise.all(
    declared.map(async (each) => {
      const [peering] = peeringsOf([each], agents);
      if (peering) await establish(each, peering, { seeding, writing });
    }),
  );
}

/** Whether Consul won't ever do it. If its configuration rules it out, that is status 500, too. */
const isRefusal = ({ status = 500, message }: ConsulError) =>
  status < 500 || ruledOut.test(message);

/** What Consul says then (agent/consul/peering_backend.go). */
const ruledOut = /must be (?:enabled|set to true|specified)/;

async function establish(
  declared: DeclaredPeering,
  { accepting, dialing }: Peering,
  { seeding, writing }: { readonly seeding: Seeding; readonly writing: Writing },
): Promise<void> {
  const [acceptor] = accepting;
  const [dialer] = dialing;
  if (!acceptor || !dialer) return;
  const { name, place } = declared;
  await untilNothingIsMissing(
    async () => {
      try {
        await connect(declared, [acceptor.consul, dialer.consul], seeding.onSecret);
      } catch (error) {
        if (!(error instanceof ConsulError)) throw error;
        if (!isRefusal(error)) return error.message;
        writing.problems.push(refusedByConsul(declared, error.message));
      }
      return undefined;
    },
    seeding,
    (missing) =>
      `${placeText(place)}: \`${name}\` was not established; the last answer: ${missing}. Raise \`timeout\`, or look for the reason in the logs of ${acceptor.node} and ${dialer.node}.`,
  );
}

/**
 * Waits until both sides of each peering are active, and show what the other exports.
 *
 * @throws ActionError when time is up
 */
export async function untilPeered(
  declared: readonly DeclaredPeering[],
  agents: readonly AgentClient[],
  { log, timeout, signal }: Seeding,
): Promise<void> {
  const gates = peeringGates(peeringsOf(declared, agents));
  if (gates.length === 0) return;
  const title = "The cluster file is not fully applied";
  const failure = { title, summary: "The datacenters were not peered" };
  await untilHold(gates, () => servers(agents), { timeout, signal, onChange: log, failure });
}
