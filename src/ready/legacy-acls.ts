/**
 * The legacy mode of ACLs, in which agents of Consul up to 1.10 start. A client agent leaves it when it finds, by
 * gossip, that all servers of its datacenter know the new ACLs; it looks 50 ms after its start, then 100 ms later, and
 * so on, each time twice as long (agent/consul/acl_client.go). Later versions announce from the start that they know
 * them, so the gates hold at once.
 */
import { ConsulError } from "../consul/http.ts";
import { type AgentClient, ask, byDatacenter, servers } from "./agents.ts";
import { type Gate, together, type Verdict } from "./gates.ts";
import { ownAddress, type View, viewsOf } from "./views.ts";

/**
 * The servers' announcement is gossip, which now and then does not reach an agent: it would hear of it in its next
 * full exchange, up to a minute later, and be in the legacy mode for twice that (50 s seen on 1.8.7, in one of
 * twelve clusters). So it joins the server. A server that has announced nothing is not waited for: one outside the
 * primary datacenter can't while that is down.
 */
export const announcedGate: Gate = {
  name: "every agent has heard which servers know the new ACLs",
  look: async (agents) =>
    together(await Promise.all(Array.from(byDatacenter(agents).values(), announcedIn))),
};

async function announcedIn(agents: readonly AgentClient[]): Promise<Verdict> {
  let missed: readonly Missed[] = [];
  const views = await viewsOf(agents, (known) => {
    const isServer = (view: View) => servers(agents).some(({ node }) => node === view.node);
    const ofServers = known.filter(isServer);
    missed = known.flatMap((view) => missedBy(view, ofServers));
    return missed[0];
  });
  const failing = views.flatMap(({ node, answer }) => {
    if (answer instanceof ConsulError) return [`${node}: ${answer.message}`];
    const names = missed.filter((each) => each.node === node).map(({ server }) => server);
    return names.length > 0 ? [`${node}: not heard of ${names.join(", ")}`] : [];
  });
  const informed = `${agents.length - failing.length} of ${agents.length}`;
  const status = failing.length === 0 ? "" : `${informed} know which servers know the new ACLs`;
  return { status, failing };
}

/** A server's announcement that an agent has not heard. */
interface Missed {
  readonly node: string;
  readonly server: string;
  /** The server's own. */
  readonly address: string;
}

/** @param ofServers - what each server sees, which knows its own mode */
const missedBy = (view: View, ofServers: readonly View[]): Missed[] =>
  ofServers.flatMap((own) => {
    const isLegacyFor = ({ members }: View) =>
      members.some(({ node, hasLegacyAcls }) => node === own.node && hasLegacyAcls);
    const address = ownAddress(own);
    return address && isLegacyFor(view) && !isLegacyFor(own)
      ? [{ node: view.node, server: own.node, address }]
      : [];
  });

/**
 * In the legacy mode, logins through an agent fail, and it forgets what it remembers of tokens when it leaves the mode.
 * So once all have left it, they are asked again, with the token that they then remember.
 */
export const aclGate: Gate = {
  name: "every agent has left the legacy mode of ACLs",
  look: async (agents) => {
    const modes = await ask(agents, ({ acl }) => acl.isInLegacyMode());
    const legacy = modes.flatMap(({ node, answer }) => {
      if (answer instanceof ConsulError) return [`${node}: ${answer.message}`];
      return answer ? [`${node}: in the legacy mode of ACLs`] : [];
    });
    const again = legacy.length > 0 ? [] : await ask(agents, ({ acl }) => acl.isInLegacyMode());
    const silent = again.flatMap(({ node, answer }) =>
      answer instanceof ConsulError ? [`${node}: ${answer.message}`] : [],
    );
    const failing = [...legacy, ...silent];
    return { status: `${agents.length - failing.length} of ${agents.length} with ACLs`, failing };
  },
};
