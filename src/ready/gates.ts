import { setTimeout as sleep } from "node:timers/promises";
import { Consul, ConsulError, type Credentials } from "../consul/consul.ts";
import { ActionError } from "../errors.ts";
import type { Role } from "../plan/agent-config.ts";
import { type AgentPlan, addressOf } from "../plan/plan.ts";
import type { PhaseName, Timeline } from "../runner/timeline.ts";

/**
 * Milliseconds between two looks. A look at one gate costs an agent about 1 ms, which a long wait
 * shall not take from the job's own work: who waits longer is told later, by 1 % on average.
 */
const pauseAfter = (waited: number) => Math.min(250, Math.max(25, waited / 50));

/** What one look at the cluster tells of a gate. */
export interface Verdict {
  /** A few words for the log, for example `4 of 6 alive`. */
  readonly picture: string;
  /** For whom the gate does not hold, and what was seen there. Empty where it holds. */
  readonly failing: readonly string[];
}

/** Something that must be true before a wait is over. */
export interface Gate {
  readonly name: string;
  look(agents: readonly AskedAgent[]): Promise<Verdict>;
}

/** A gate of a start, and the phase of the timeline that ends when it first holds. */
interface ReadyGate extends Gate {
  readonly phase: PhaseName;
  /** Whether Consul answers this only to a token, where it has ACLs. */
  readonly needsToken: boolean;
}

/** An agent and its HTTP API. */
export interface AskedAgent {
  readonly node: string;
  readonly role: Role;
  readonly datacenter: string;
  readonly consul: Consul;
}

export interface Answer<T> {
  readonly node: string;
  readonly answer: T | ConsulError;
}

/** The gates in the order in which they come true. All must hold in one look. */
export const readyGates: readonly ReadyGate[] = [
  {
    name: "every agent is an alive member, as each server sees it",
    phase: "gossip",
    needsToken: true,
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.members()).filter(({ isAlive }) => isAlive).map(({ node }) => node),
      );
      return everyoneNames(agents, answers, "alive");
    },
  },
  {
    name: "there is one leader, the same one asked from every agent",
    phase: "election",
    needsToken: false,
    look: async (agents) => agreedLeader(await ask(agents, (consul) => consul.leader())),
  },
  {
    name: "every server is a raft voter",
    phase: "voters",
    needsToken: true,
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.raftPeers()).filter(({ isVoter }) => isVoter).map(({ node }) => node),
      );
      return everyoneNames(servers(agents), answers, "voting");
    },
  },
  {
    name: "every node is in the catalog with a passing serfHealth, by a consistent read through every agent",
    phase: "catalog",
    needsToken: true,
    look: async (agents) => {
      // A leader that is not settled holds up consistent reads, longer than it needs to settle. So
      // it is asked for one only when an ordinary read shows all that it has to do is done.
      const first = await ask(agents.slice(0, 1), (consul) => consul.healthyNodes());
      const verdict = everyoneNames(agents, first, "healthy in the catalog");
      if (verdict.failing.length > 0) return verdict;
      const answers = await ask(agents, (consul) => consul.healthyNodes("consistent"));
      return everyoneNames(agents, answers, "healthy in the catalog");
    },
  },
];

/** Between datacenters, where there are several. */
export const wanGate: ReadyGate = {
  name: "each server sees every other datacenter's servers alive over WAN, and a catalog query for each other datacenter succeeds through every agent",
  phase: "wan",
  needsToken: true,
  look: async (agents) => {
    const everyServer = servers(agents);
    const seen = await ask(everyServer, async (consul) =>
      (await consul.members("wan")).filter(({ isAlive }) => isAlive).map(({ node }) => node),
    );
    const wanNames = everyServer.map((agent) => ({ node: `${agent.node}.${agent.datacenter}` }));
    const verdict = everyoneNames(wanNames, seen, "alive over WAN");
    if (verdict.failing.length > 0) return verdict;
    const queries = [...byDatacenter(agents)].map(async ([datacenter, there]) => {
      const others = agents.filter((agent) => agent.datacenter !== datacenter);
      const answers = await ask(others, (consul) => consul.healthyNodes("default", datacenter));
      return everyoneNames(there, answers, `of ${datacenter} in its catalog for all`);
    });
    return together([verdict, ...(await Promise.all(queries))]);
  },
};

export const byDatacenter = <T extends AskedAgent>(agents: readonly T[]) =>
  Map.groupBy(agents, ({ datacenter }) => datacenter);

const together = (verdicts: readonly Verdict[]): Verdict => ({
  picture: verdicts.map(({ picture }) => picture).join(", "),
  failing: verdicts.flatMap(({ failing }) => failing),
});

/** The same gate, which must hold in each datacenter on its own. */
function inEachDatacenter(gate: ReadyGate): ReadyGate {
  const look: Gate["look"] = async (agents) => {
    const looks = [...byDatacenter(agents)].map(async ([datacenter, there]) => {
      const { picture, failing } = await gate.look(there);
      return { picture: `${datacenter}: ${picture}`, failing };
    });
    return together(await Promise.all(looks));
  };
  return { ...gate, look };
}

/** The gates for these agents, in the order in which they are looked at. */
function gatesFor(agents: readonly AskedAgent[], hasTokens: boolean): readonly ReadyGate[] {
  const gates = hasTokens ? gatesWithTokens : readyGates;
  return byDatacenter(agents).size > 1 ? [...gates.map(inEachDatacenter), wanGate] : gates;
}

// No server knows a token before there is a leader. Who asks with one earlier learns nothing, and
// fills the servers' logs with refusals.
const gatesWithTokens = readyGates.toSorted((a, b) => Number(a.needsToken) - Number(b.needsToken));

/**
 * Waits until a cluster is ready: a test may ask any agent anything at once and gets an answer
 * that stays true.
 *
 * @param current - the agents; asked before each look, since an agent may get another port while
 *   the cluster starts
 * @param hasTokens - whether the agents are asked with a token, as in a cluster with ACLs
 * @param timeline - learns when each gate first held
 * @throws ActionError naming the gate that did not hold when time was up, and for whom
 */
export async function untilReady(
  current: () => readonly AskedAgent[],
  hasTokens: boolean,
  wait: Omit<Wait, "failure">,
  timeline: Timeline,
): Promise<void> {
  const gates = gatesFor(current(), hasTokens);
  const failure = { title: "Consul is not ready", summary: "The cluster was not ready" };
  return untilHold(
    gates.map((gate) => timed(gate, timeline)),
    current,
    { ...wait, failure },
  );
}

/** The same gate, which tells the timeline when it is first asked and when it first holds. */
function timed(gate: ReadyGate, timeline: Timeline): Gate {
  const look: Gate["look"] = async (agents) => {
    timeline.begin(gate.phase);
    const verdict = await gate.look(agents);
    if (verdict.failing.length === 0) timeline.end(gate.phase);
    return verdict;
  };
  return { name: gate.name, look };
}

/** How a wait goes on and ends. */
export interface Wait {
  /** Milliseconds. */
  readonly timeout: number;
  /** Gets the picture in words whenever it changes. */
  readonly onChange: (picture: string) => void;
  readonly signal: AbortSignal;
  /**
   * Nobody is asked before this. Docker's proxy listens on a published port sooner than its
   * container has a network, and a question that comes between hangs until TCP tries again, a
   * second later.
   */
  readonly after?: Promise<unknown>;
  /** How the error begins where time is up. */
  readonly failure: { readonly title: string; readonly summary: string };
}

/**
 * Waits until all of these gates hold in one look.
 *
 * @param current - the agents to ask; asked before each look
 * @throws ActionError naming the gate that did not hold when time was up, and for whom
 */
export async function untilHold(
  gates: readonly Gate[],
  current: () => readonly AskedAgent[],
  wait: Wait,
): Promise<void> {
  const started = performance.now();
  let shown = "";
  const { after, signal, timeout } = wait;
  if (after) await Promise.race([after, sleep(timeout, undefined, { signal })]);
  for (;;) {
    const { picture, failed } = await lookThrough(gates, current());
    if (picture !== shown) wait.onChange(picture);
    shown = picture;
    if (!failed) return;
    const waited = performance.now() - started;
    if (waited > timeout) throw await notHeld(current(), wait, picture, failed);
    await sleep(pauseAfter(waited), undefined, { signal });
  }
}

interface FailedGate {
  readonly gate: Gate;
  readonly failing: readonly string[];
}

/** Looks at the gates in order, as far as the first that does not hold. */
async function lookThrough(
  gates: readonly Gate[],
  agents: readonly AskedAgent[],
): Promise<{ picture: string; failed: FailedGate | undefined }> {
  const pictures: string[] = [];
  for (const gate of gates) {
    const { picture, failing } = await gate.look(agents);
    pictures.push(picture);
    if (failing.length > 0) return { picture: pictures.join(", "), failed: { gate, failing } };
  }
  return { picture: pictures.join(", "), failed: undefined };
}

/** Time is up, and a gate does not hold. */
export class NotReadyError extends ActionError {
  override readonly name = "NotReadyError";
  /** Nodes that somebody does not see alive, or that do not answer. */
  readonly suspects: readonly string[];

  constructor(title: string, message: string, suspects: readonly string[]) {
    super(title, message);
    this.suspects = suspects;
  }
}

async function notHeld(
  agents: readonly AskedAgent[],
  { timeout, failure }: Wait,
  picture: string,
  { gate, failing }: FailedGate,
): Promise<NotReadyError> {
  const sights = await whoSeesWhom(agents);
  const lines = [
    `${failure.summary} within ${timeout / 1000} s (${picture}). It did not come true that ${gate.name}:`,
    ...failing.map((line) => `  ${line}`),
    "Who sees whom alive:",
    ...sights.map(({ line }) => `  ${line}`),
  ];
  const suspects = agents
    .map(({ node }) => node)
    .filter((node) => sights.some((sight) => sight.lacking.includes(node)));
  return new NotReadyError(failure.title, lines.join("\n"), suspects);
}

interface Sight {
  readonly line: string;
  /** Nodes that should be seen and are not; the agent itself, where it does not answer. */
  readonly lacking: readonly string[];
}

async function whoSeesWhom(agents: readonly AskedAgent[]): Promise<Sight[]> {
  const sights = [...byDatacenter(agents).values()].map(whoSeesWhomIn);
  return (await Promise.all(sights)).flat();
}

async function whoSeesWhomIn(agents: readonly AskedAgent[]): Promise<Sight[]> {
  const answers = await ask(agents, (consul) => consul.members());
  return answers.map(({ node, answer }) => {
    if (answer instanceof ConsulError)
      return { line: `${node} does not answer: ${answer.message}`, lacking: [node] };
    const alive = answer.filter(({ isAlive }) => isAlive).map((member) => member.node);
    const lacking = agents.map((agent) => agent.node).filter((name) => !alive.includes(name));
    const others = alive.filter((name) => name !== node);
    const sees = `${node} sees ${others.join(", ") || "nobody else"}`;
    return { line: lacking.length > 0 ? `${sees}; not ${lacking.join(", ")}` : sees, lacking };
  });
}

export const servers = <T extends AskedAgent>(agents: readonly T[]): T[] =>
  agents.filter(({ role }) => role === "server");

/** An agent of the plan, to be asked with the credentials of its cluster. */
export function asked(agent: AgentPlan, credentials: Credentials): AskedAgent {
  const consul = new Consul({ ...credentials, address: addressOf(agent, "http") });
  const { node, role, datacenter } = agent;
  return { node, role, datacenter, consul };
}

/** Asks agents the same, all at once. An agent that can't answer gives its error as its answer. */
export function ask<T>(
  agents: readonly AskedAgent[],
  question: (consul: Consul) => Promise<T>,
): Promise<Answer<T>[]> {
  return Promise.all(
    agents.map(async ({ node, consul }) => {
      try {
        return { node, answer: await question(consul) };
      } catch (error) {
        if (!(error instanceof ConsulError)) throw error;
        return { node, answer: error };
      }
    }),
  );
}

/** Holds where each answer names all of the wanted nodes; counts what the worst answer names. */
export function everyoneNames(
  wanted: readonly Pick<AskedAgent, "node">[],
  answers: readonly Answer<readonly string[]>[],
  what: string,
): Verdict {
  const views = answers.map(({ node, answer }) => {
    const named = answer instanceof ConsulError ? [] : answer;
    const lacking = wanted.map((agent) => agent.node).filter((name) => !named.includes(name));
    const seen =
      answer instanceof ConsulError ? answer.message : `not ${what}: ${lacking.join(", ")}`;
    return { lacks: lacking.length, line: `${node}: ${seen}` };
  });
  const worst = Math.max(...views.map(({ lacks }) => lacks));
  return {
    picture: `${wanted.length - worst} of ${wanted.length} ${what}`,
    failing: views.filter(({ lacks }) => lacks > 0).map(({ line }) => line),
  };
}

/** Holds where all answers name the same leader. */
export function agreedLeader(answers: readonly Answer<string>[]): Verdict {
  const leaders = new Set(
    answers.map(({ answer }) => (answer instanceof ConsulError ? "" : answer)),
  );
  if (leaders.size === 1 && !leaders.has("")) return { picture: "one leader", failing: [] };
  const failing = answers.map(
    ({ node, answer }) =>
      `${node}: ${answer instanceof ConsulError ? answer.message : answer || "no leader"}`,
  );
  const isLed = leaders.size > 1;
  return { picture: isLed ? "leader not known to all" : "no leader", failing };
}
