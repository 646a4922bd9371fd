/** Gates on what the agents that remain see after a fault. */
import { ConsulError } from "../consul/http.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { type AgentClient, ask, linesOf } from "../ready/agents.ts";
import { agreedLeader, type Gate, noneNames, type Verdict } from "../ready/gates.ts";

export const namesOf = (agents: readonly FoundAgent[]) => agents.map(({ node }) => node);

async function lookForNoLeader(agents: readonly AgentClient[]): Promise<Verdict> {
  const answers = await ask(agents, (consul) => consul.leader());
  const roles = new Map(agents.map(({ node, role }) => [node, role]));
  const failing = answers.flatMap(({ node, answer }) => {
    if (!(answer instanceof ConsulError))
      return answer === "" ? [] : [`${node}: reports ${answer}`];
    // A client forwards the question to a server, so its error means that no server can answer.
    return roles.get(node) === "client" ? [] : [`${node}: ${answer.message}`];
  });
  return { status: failing.length === 0 ? "no leader" : "leader still reported", failing };
}

export const noLeader: Gate = { name: "no agent reports a leader", look: lookForNoLeader };

export const aloneGate: Gate = { name: "isolated servers report no leader", look: lookForNoLeader };

export const leaderAmongOthers = (hit: readonly FoundAgent[]): Gate => ({
  name: "all remaining agents agree on one leader, which is not an affected node",
  look: async (agents) => {
    const answers = await ask(agents, (consul) => consul.leader());
    const verdict = agreedLeader(answers);
    if (verdict.failing.length > 0) return verdict;
    const gone = hit.map(({ ip }) => ip);
    const failing = answers.flatMap(({ node, answer }) => {
      const isOld = typeof answer === "string" && gone.includes(hostOf(answer));
      return isOld ? [`${node}: still ${answer}`] : [];
    });
    return { status: failing.length === 0 ? "one leader" : "old leader still reported", failing };
  },
});

export const notSeenAlive = (hit: readonly FoundAgent[]): Gate => ({
  name: `no remaining agent sees ${namesOf(hit).join(" or ")} alive`,
  look: async (agents) => {
    const answers = await ask(agents, async (consul) =>
      (await consul.members()).filter(({ isAlive }) => isAlive).map(({ node }) => node),
    );
    return noneNames(hit, answers, "alive");
  },
});

// Asked the way DNS asks: of every server's own state (`dns_config.allow_stale`).
export const notHealthy = (hit: readonly FoundAgent[]): Gate => ({
  name: `the serfHealth of ${namesOf(hit).join(", ")} is critical, or the node is not in the catalog`,
  look: async (agents) =>
    noneNames(hit, await ask(agents, (consul) => consul.healthyNodes("stale")), "healthy"),
});

const sideName = (side: readonly FoundAgent[]) => `the side of ${namesOf(side).join(", ")}`;

/** One side of a partition has a leader of its own. */
export const leaderWithin = (side: readonly FoundAgent[]): Gate => ({
  name: `all agents of ${sideName(side)} agree on one leader among them`,
  look: async (agents) => {
    const answers = await ask(agents, (consul) => consul.leader());
    const verdict = agreedLeader(answers);
    if (verdict.failing.length > 0) return verdict;
    const own = side.map(({ ip }) => ip);
    const failing = answers.flatMap(({ node, answer }) => {
      const isOwn = typeof answer === "string" && own.includes(hostOf(answer));
      return isOwn ? [] : [`${node}: still ${String(answer)}`];
    });
    return { status: failing.length === 0 ? "one leader" : "old leader still reported", failing };
  },
});

/** One side of a partition has noticed that the others are away, and all of its own are there. */
export const aliveExactly = (side: readonly FoundAgent[]): Gate => ({
  name: `each agent of ${sideName(side)} sees alive exactly this side`,
  look: async (agents) => {
    const own = namesOf(side);
    const answers = await ask(agents, async (consul) =>
      (await consul.members()).filter(({ isAlive }) => isAlive).map(({ node }) => node),
    );
    const failing = linesOf(answers, (answer) => {
      const missing = own.filter((name) => !answer.includes(name));
      const beyond = answer.filter((name) => !own.includes(name));
      return [
        ...(missing.length > 0 ? [`not alive: ${missing.join(", ")}`] : []),
        ...(beyond.length > 0 ? [`still alive: ${beyond.join(", ")}`] : []),
      ];
    });
    const status = failing.length === 0 ? "sides apart" : `${failing.length} see another side`;
    return { status, failing };
  },
});

/** @param datacenter - with no agent on the side of those that are asked */
export const outOfReach = (datacenter: string): Gate => ({
  name: `no catalog query for ${datacenter} succeeds from another side`,
  look: async (agents) => {
    const answers = await ask(agents, (consul) => consul.healthyNodes("default", datacenter));
    const failing = answers.flatMap(({ node, answer }) =>
      answer instanceof ConsulError ? [] : [`${node}: gets an answer from ${datacenter}`],
    );
    return { status: `${datacenter} ${failing.length === 0 ? "out of" : "in"} reach`, failing };
  },
});

/** Of an address with its port. */
export const hostOf = (address: string) => address.replace(/:\d+$/, "");
