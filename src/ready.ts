import { setTimeout as sleep } from "node:timers/promises";
import { Consul, ConsulError } from "./consul.ts";
import { ActionError } from "./errors.ts";
import { type AgentPlan, addressOf } from "./plan.ts";

/** Milliseconds between two looks. A look at one gate costs an agent about 1 ms. */
const pause = 25;

/** What one look at the cluster tells of a gate. */
interface Verdict {
  /** A few words for the log, for example `4 of 6 alive`. */
  readonly picture: string;
  /** For whom the gate does not hold, and what was seen there. Empty where it holds. */
  readonly failing: readonly string[];
}

/** Something that must be true of a cluster that is ready. */
interface Gate {
  readonly name: string;
  look(agents: readonly AgentPlan[]): Promise<Verdict>;
}

interface Answer<T> {
  readonly node: string;
  readonly answer: T | ConsulError;
}

/** The gates in the order in which they come true. All must hold in one look. */
const gates: readonly Gate[] = [
  {
    name: "every agent is an alive member, as each server sees it",
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.members()).filter(({ isAlive }) => isAlive).map(({ node }) => node),
      );
      return everyoneNames(agents, answers, "alive");
    },
  },
  {
    name: "there is one leader, the same one asked from every agent",
    look: async (agents) => agreedLeader(await ask(agents, (consul) => consul.leader())),
  },
  {
    name: "every server is a raft voter",
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.raftPeers()).filter(({ isVoter }) => isVoter).map(({ node }) => node),
      );
      return everyoneNames(servers(agents), answers, "voting");
    },
  },
  {
    name: "every node is in the catalog with a passing serfHealth, by a consistent read through every agent",
    look: async (agents) => {
      const answers = await ask(agents, (consul) => consul.healthyNodes());
      return everyoneNames(agents, answers, "healthy in the catalog");
    },
  },
];

/**
 * Waits until a cluster is ready: a test may ask any agent anything at once and gets an answer
 * that stays true.
 *
 * @param current - the agents; asked before each look, since an agent may get another port while
 *   the cluster starts
 * @param timeout - milliseconds
 * @param onChange - gets the picture in words whenever it changes
 * @throws ActionError naming the gate that did not hold when time was up, and for whom
 */
export async function untilReady(
  current: () => readonly AgentPlan[],
  timeout: number,
  onChange: (picture: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeout;
  let shown = "";
  for (;;) {
    const { picture, failed } = await lookThrough(current());
    if (picture !== shown) onChange(picture);
    shown = picture;
    if (!failed) return;
    if (performance.now() > deadline) throw await notReady(current(), timeout, picture, failed);
    await sleep(pause, undefined, { signal });
  }
}

interface FailedGate {
  readonly gate: Gate;
  readonly failing: readonly string[];
}

/** Looks at the gates in order, as far as the first that does not hold. */
async function lookThrough(
  agents: readonly AgentPlan[],
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

  constructor(message: string, suspects: readonly string[]) {
    super("Consul is not ready", message);
    this.suspects = suspects;
  }
}

async function notReady(
  agents: readonly AgentPlan[],
  timeout: number,
  picture: string,
  { gate, failing }: FailedGate,
): Promise<NotReadyError> {
  const sights = await whoSeesWhom(agents);
  const lines = [
    `The cluster was not ready within ${timeout / 1000} s (${picture}). It did not come true that ${gate.name}:`,
    ...failing.map((line) => `  ${line}`),
    "Who sees whom alive:",
    ...sights.map(({ line }) => `  ${line}`),
  ];
  const suspects = agents
    .map(({ node }) => node)
    .filter((node) => sights.some((sight) => sight.lacking.includes(node)));
  return new NotReadyError(lines.join("\n"), suspects);
}

interface Sight {
  readonly line: string;
  /** Nodes that should be seen and are not; the agent itself, where it does not answer. */
  readonly lacking: readonly string[];
}

async function whoSeesWhom(agents: readonly AgentPlan[]): Promise<Sight[]> {
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

const servers = (agents: readonly AgentPlan[]) => agents.filter(({ role }) => role === "server");

/** Asks agents the same, all at once. An agent that can't answer gives its error as its answer. */
function ask<T>(
  agents: readonly AgentPlan[],
  question: (consul: Consul) => Promise<T>,
): Promise<Answer<T>[]> {
  return Promise.all(
    agents.map(async (agent) => {
      try {
        return { node: agent.node, answer: await question(new Consul(addressOf(agent, "http"))) };
      } catch (error) {
        if (!(error instanceof ConsulError)) throw error;
        return { node: agent.node, answer: error };
      }
    }),
  );
}

/** Holds where each answer names all of the wanted nodes; counts what the worst answer names. */
function everyoneNames(
  wanted: readonly AgentPlan[],
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

function agreedLeader(answers: readonly Answer<string>[]): Verdict {
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
