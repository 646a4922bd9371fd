/**
 * The legacy mode of ACLs, in which agents of Consul up to 1.10 start. A client agent leaves it when it finds, by
 * gossip, that all servers of its datacenter know the new ACLs; it looks 50 ms after its start, then 100 ms later, and
 * so on, each time twice as long (agent/consul/acl_client.go). Later versions announce from the start that they know
 * them, so the gates hold at once.
 */
import { type AgentClient, ask, byDatacenter, linesOf } from "./agents.ts";
import { type Gate, together, type Verdict } from "./gates.ts";
import { ownAddress, type View, viewsOf } from "./views.ts";

/**
 * The servers' announcement is gossip, which now and then does not reach an agent: it would hear of it in its next
 * full exchange, up to a minute later, and be in the legacy mode for twice that (50 s seen on 1.8.7, in one of
 * twelve clusters). So it joins the server.
 */
export const announcedGate: Gate = {
  name: "every agent has heard that all servers know the new ACLs",
  look: async (agents) =>
    together(await Promise.all(Array.from(byDatacenter(agents).values(), announcedIn))),
};

async function announcedIn(agents: readonly AgentClient[]): Promise<Verdict> {
  const views = await viewsOf(agents, (known) => {
    const uninformed = known.flatMap((view) =>
      legacyServers(view, agents).map((server) => ({ node: view.node, server })),
    );
    const joins = uninformed.flatMap(({ node, server }) => {
      const own = known.find((view) => view.node === server);
      const address = ownAddress(own);
      return own && address && !legacyServers(own, agents).includes(server)
        ? [{ node, address }]
        : [];
    });
    return joins[0];
  });
  const failing = linesOf(views, (members, node) => {
    const servers = legacyServers({ node, members }, agents);
    return servers.length > 0 ? [`not heard of ${servers.join(", ")}`] : [];
  });
  const informed = `${agents.length - failing.length} of ${agents.length}`;
  const status = failing.length === 0 ? "" : `${informed} know that the servers know the new ACLs`;
  return { status, failing };
}

/** Servers that an agent takes to be in the legacy mode. */
const legacyServers = ({ members }: View, agents: readonly AgentClient[]): string[] =>
  members
    .filter(({ hasLegacyAcls }) => hasLegacyAcls)
    .map(({ node }) => node)
    .filter((name) => agents.some(({ node, role }) => role === "server" && node === name));

/**
 * In the legacy mode, logins through an agent fail, and it forgets what it remembers of tokens when it leaves the mode.
 * So once all have left it, they are asked again, with the token that they then remember.
 */
export const aclGate: Gate = {
  name: "every agent has left the legacy mode of ACLs",
  look: async (agents) => {
    const modes = await ask(agents, ({ acl }) => acl.isInLegacyMode());
    const legacy = linesOf(modes, (isLegacy) => (isLegacy ? ["in the legacy mode of ACLs"] : []));
    const again = legacy.length > 0 ? [] : await ask(agents, ({ acl }) => acl.isInLegacyMode());
    const failing = [...legacy, ...linesOf(again, () => [])];
    return { status: `${agents.length - failing.length} of ${agents.length} with ACLs`, failing };
  },
};
