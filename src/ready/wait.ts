import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import { ActionError } from "../errors.ts";
import { poll } from "../runner/poll.ts";
import type { Timeline } from "../runner/timeline.ts";
import { type AgentClient, ask, byDatacenter } from "./agents.ts";
import { type Gate, gatesFor, type ReadyGate } from "./gates.ts";

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
  current: () => readonly AgentClient[],
  hasTokens: boolean,
  wait: Omit<Wait, "failure">,
  timeline: Timeline,
): Promise<void> {
  const gates = gatesFor(current(), hasTokens);
  const failure = { title: "Consul is not ready", summary: "The cluster was not ready" };
  return untilHold(
    gates.map((gate) => onTimeline(gate, timeline)),
    current,
    { ...wait, failure },
  );
}

/** The same gate, which tells the timeline when it is first asked and when it first holds. */
function onTimeline(gate: ReadyGate, timeline: Timeline): Gate {
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
  /** Gets the status in words whenever it changes. */
  readonly onChange: (status: string) => void;
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
  current: () => readonly AgentClient[],
  wait: Wait,
): Promise<void> {
  const { after, signal, timeout } = wait;
  const started = performance.now();
  if (after) await Promise.race([after, sleep(timeout, undefined, { signal })]);
  let logged = "";
  const look = async () => {
    const { status, failed } = await lookThrough(gates, current());
    if (status !== logged) wait.onChange(status);
    logged = status;
    return failed && (() => notHeld(current(), wait, status, failed));
  };
  await poll(look, { signal, timeout: timeout - (performance.now() - started) });
}

interface FailedGate {
  readonly gate: Gate;
  readonly failing: readonly string[];
}

/** Looks at the gates in order, as far as the first that does not hold. */
async function lookThrough(
  gates: readonly Gate[],
  agents: readonly AgentClient[],
): Promise<{ status: string; failed: FailedGate | undefined }> {
  const statuses: string[] = [];
  for (const gate of gates) {
    const { status, failing } = await gate.look(agents);
    statuses.push(status);
    if (failing.length > 0) return { status: statuses.join(", "), failed: { gate, failing } };
  }
  return { status: statuses.join(", "), failed: undefined };
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
  agents: readonly AgentClient[],
  { timeout, failure }: Wait,
  status: string,
  { gate, failing }: FailedGate,
): Promise<NotReadyError> {
  const sights = await whoSeesWhom(agents);
  const lines = [
    `${failure.summary} within ${timeout / 1000} s (${status}). It did not come true that ${gate.name}:`,
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

async function whoSeesWhom(agents: readonly AgentClient[]): Promise<Sight[]> {
  const sights = [...byDatacenter(agents).values()].map(whoSeesWhomIn);
  return (await Promise.all(sights)).flat();
}

async function whoSeesWhomIn(agents: readonly AgentClient[]): Promise<Sight[]> {
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
