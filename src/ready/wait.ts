import { setTimeout as sleep } from "node:timers/promises";
import { ConsulError } from "../consul/http.ts";
import { ActionError, type Quote } from "../errors.ts";
import { poll } from "../runner/poll.ts";
import type { Timeline } from "../runner/timeline.ts";
import { type AgentClient, ask, byDatacenter } from "./agents.ts";
import { type Gate, gatesFor, type ReadyGate, statusText } from "./gates.ts";
import { announcedGate } from "./legacy-acls.ts";

/**
 * Waits until a cluster is ready: a test can ask any agent anything right away, and the answer stays
 * true.
 *
 * @param current - returns the agents; called before each look, because an agent can get another
 *   port while the cluster starts
 * @param hasTokens - whether agents are asked with a token, as in a cluster with ACLs
 * @param timeline - records when each gate first held
 * @throws ActionError naming the gate that did not hold when time ran out, and for which nodes
 */
export async function untilReady(
  current: () => readonly AgentClient[],
  hasTokens: boolean,
  wait: Omit<Wait, "failure">,
  timeline: Timeline,
): Promise<void> {
  const gates = gatesFor(current(), hasTokens).map((gate) => onTimeline(gate, timeline));
  const failure = { title: "Consul is not ready", summary: "The cluster was not ready" };
  const more = hasTokens ? [announcedGate] : [];
  return untilHold([...gates, ...more], current, { ...wait, failure });
}

/** The same gate, recording in the timeline when it is first checked and when it first holds. */
function onTimeline(gate: ReadyGate, timeline: Timeline): Gate {
  const look: Gate["look"] = async (agents) => {
    timeline.begin(gate.phase);
    const verdict = await gate.look(agents);
    if (verdict.failing.length === 0) timeline.end(gate.phase);
    return verdict;
  };
  return { name: gate.name, look };
}

/** How to wait. */
export interface Wait {
  /** Milliseconds. */
  readonly timeout: number;
  /** Gets the status whenever it changes, and what is missing when it has not changed for long. */
  readonly onChange: (status: string) => void;
  readonly signal: AbortSignal;
  /**
   * Agents are not asked before this resolves. Docker's proxy listens on a published port before the
   * container has a network, and a request in between hangs until TCP retries, a second later.
   */
  readonly after?: Promise<unknown>;
  /** How the error starts if time runs out. */
  readonly failure: { readonly title: string; readonly summary: string };
}

/** Milliseconds without a change of status after which the log says what is missing. */
const stallAfter = 5000;
/** Nodes that one such line names. */
const maxStalled = 5;

/**
 * Waits until all of these gates hold in one look.
 *
 * @param current - returns the agents to ask; called before each look
 * @throws ActionError naming the gate that did not hold when time ran out, and for which nodes
 */
export async function untilHold(
  gates: readonly Gate[],
  current: () => readonly AgentClient[],
  wait: Wait,
): Promise<void> {
  const { after, signal, timeout } = wait;
  const started = performance.now();
  if (after) await Promise.race([after, sleep(timeout, undefined, { signal })]);
  const log = progressLog(wait.onChange);
  const look = async (waited: number) => {
    const { status, failed } = await lookThrough(gates, current());
    log(status, failed?.failing ?? [], waited);
    return failed && (() => notHeld(current(), wait, status, failed));
  };
  await poll(look, { signal, timeout: timeout - (performance.now() - started) });
}

/** Logs a status when it changes, and once more with what is missing when it stays for long. */
export function progressLog(onChange: (line: string) => void) {
  let logged = "";
  let stallAt = 0;
  return (status: string, failing: readonly string[], waited: number) => {
    if (status !== logged) {
      onChange(status);
      logged = status;
      stallAt = waited + stallAfter;
    } else if (waited > stallAt && failing.length > 0) {
      const more = failing.length > maxStalled ? ` and ${failing.length - maxStalled} more` : "";
      onChange(`still ${status} (${failing.slice(0, maxStalled).join("; ")}${more})`);
      stallAt = Number.POSITIVE_INFINITY;
    }
  };
}

interface FailedGate {
  readonly gate: Gate;
  readonly failing: readonly string[];
}

/** Checks the gates in order, up to the first that does not hold. */
async function lookThrough(
  gates: readonly Gate[],
  agents: readonly AgentClient[],
): Promise<{ status: string; failed: FailedGate | undefined }> {
  const statuses: string[] = [];
  for (const gate of gates) {
    const { status, failing } = await gate.look(agents);
    statuses.push(status);
    if (failing.length > 0) return { status: statusText(statuses), failed: { gate, failing } };
  }
  return { status: statusText(statuses), failed: undefined };
}

/** Time ran out before a gate held. */
export class NotReadyError extends ActionError {
  override readonly name = "NotReadyError";
  /** Nodes that some agent does not see alive, or that do not answer. */
  readonly suspects: readonly string[];

  constructor(
    title: string,
    explanation: string,
    quotes: readonly Quote[],
    suspects: readonly string[],
  ) {
    super(title, explanation, { quotes });
    this.suspects = suspects;
  }
}

async function notHeld(
  agents: readonly AgentClient[],
  { timeout, failure }: Wait,
  status: string,
  { gate, failing }: FailedGate,
): Promise<NotReadyError> {
  const [views, instead = []] = await Promise.all([membersSeen(agents), gate.instead?.(agents)]);
  const explanation = `${failure.summary} within ${timeout / 1000} s (${status}). Condition not met: ${gate.name}.`;
  const quotes = [
    { heading: "Not met for:", lines: failing },
    ...(instead.length > 0 ? [{ heading: "What is there instead:", lines: instead }] : []),
    { heading: "Nodes that each agent sees alive:", lines: views.map(({ line }) => line) },
  ];
  const suspects = agents
    .map(({ node }) => node)
    .filter((node) => views.some((view) => view.missing.includes(node)));
  return new NotReadyError(failure.title, explanation, quotes, suspects);
}

interface View {
  readonly line: string;
  /** Nodes that the agent should see and does not; the agent itself if it does not answer. */
  readonly missing: readonly string[];
}

async function membersSeen(agents: readonly AgentClient[]): Promise<View[]> {
  const views = [...byDatacenter(agents).values()].map(membersSeenIn);
  return (await Promise.all(views)).flat();
}

async function membersSeenIn(agents: readonly AgentClient[]): Promise<View[]> {
  const answers = await ask(agents, (consul) => consul.members());
  return answers.map(({ node, answer }) => {
    if (answer instanceof ConsulError)
      return { line: `${node} does not answer: ${answer.message}`, missing: [node] };
    const alive = answer.filter(({ isAlive }) => isAlive).map((member) => member.node);
    const missing = agents.map((agent) => agent.node).filter((name) => !alive.includes(name));
    const others = alive.filter((name) => name !== node);
    const sees = `${node} sees ${others.join(", ") || "no other node"}`;
    return { line: missing.length > 0 ? `${sees}; not ${missing.join(", ")}` : sees, missing };
  });
}
