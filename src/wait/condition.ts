import type { HealthCheck, ReadMode } from "../consul/catalog.ts";
import type { Consul } from "../consul/consul.ts";
import { ConsulError } from "../consul/http.ts";
import { nearest, shortened } from "../inputs/wording.ts";
import { type AgentClient, type Answer, ask } from "../ready/agents.ts";
import type { Gate } from "../ready/gates.ts";
import { untilHold, type Wait } from "../ready/wait.ts";

/** One instance of a service, as an object of the output `instances`. */
interface PassingInstance {
  readonly service: string;
  readonly id: string;
  readonly node: string;
  readonly address: string;
  readonly port: number;
}

/** What one agent answers about a condition. */
export interface Sight {
  readonly holds: boolean;
  /** In a few words: `1 of 2 instances passing`. */
  readonly seen: string;
  /** Of a service: the instances that pass. */
  readonly instances?: readonly PassingInstance[];
  /** Of a key: its value. */
  readonly value?: string;
}

/** Something to wait for. */
export interface Condition {
  /** What it is about: `service web`. */
  readonly subject: string;
  /** The whole as a clause: `service web has 2 passing instances`. */
  readonly name: string;
  /** Asks one agent. */
  look(consul: Consul, mode: ReadMode): Promise<Sight>;
  /**
   * What there is instead, one line each; empty if the condition holds after all.
   *
   * @param outputOf - the newest output of a check
   */
  instead(consul: Consul, outputOf: OutputOf): Promise<readonly string[]>;
}

/** The newest output of a check that is known. */
export type OutputOf = (check: HealthCheck) => string;

/**
 * Waits until all conditions hold at once, for every agent, in a stale and in a consistent read.
 *
 * @param agents - of one datacenter
 * @returns what an agent answered in the end, one for each condition
 * @throws ActionError if time runs out, with what each agent sees and what there is instead
 */
export async function untilAll(
  conditions: readonly Condition[],
  agents: readonly AgentClient[],
  wait: Wait,
): Promise<readonly Sight[]> {
  let last: readonly Sight[] = [];
  const gate: Gate = {
    name: `${conditions.map(({ name }) => name).join(", and ")}, whichever agent is asked`,
    look: async () => {
      const views = await Promise.all(conditions.map((each) => viewOf(each, agents)));
      last = views.flatMap(({ sight }) => sight ?? []);
      return {
        status: views.map(({ status }) => status).join(", "),
        failing: views.flatMap(({ failing }) => failing),
      };
    },
    instead: async () => {
      const outputOf = await newestOutputs(agents);
      const all = conditions.map((each) => insteadOf(each, agents, outputOf));
      return (await Promise.all(all)).flat();
    },
  };
  await untilHold([gate], () => agents, wait);
  return last;
}

/** What all agents answer about a condition. */
interface View {
  readonly status: string;
  readonly failing: readonly string[];
  /** Undefined if the condition does not hold. */
  readonly sight?: Sight;
}

/**
 * A stale read comes first: it costs the leader nothing. One through a client is answered by any
 * server, and each of them is asked as well.
 */
async function viewOf(condition: Condition, agents: readonly AgentClient[]): Promise<View> {
  const read = async (mode: ReadMode) =>
    summed(condition.subject, await ask(agents, (consul) => condition.look(consul, mode)));
  const stale = await read("stale");
  return stale.failing.length > 0 ? stale : read("consistent");
}

/** Sums up what agents answer. Agents that answer the same share a line. Pure. */
export function summed(subject: string, answers: readonly Answer<Sight>[]): View {
  const seenBy = ({ answer }: Answer<Sight>) =>
    answer instanceof ConsulError ? answer.message : answer.seen;
  const holds = ({ answer }: Answer<Sight>) => !(answer instanceof ConsulError) && answer.holds;
  const failed = answers.filter((each) => !holds(each));
  const failing = [...Map.groupBy(failed, seenBy)].map(([seen, those]) => {
    const isEveryone = those.length === answers.length && answers.length > 1;
    const who = isEveryone ? "every agent" : those.map(({ node }) => node).join(", ");
    return `${who}: ${subject}: ${oneLine(seen)}`;
  });
  const [first] = failed.length > 0 ? failed : answers;
  const status = `${subject}: ${first ? oneLine(seenBy(first)) : "nobody to ask"}`;
  if (!first || failed.length > 0 || first.answer instanceof ConsulError)
    return { status, failing };
  return { status, failing, sight: first.answer };
}

/** The outputs as the agents have them that run the checks; of other checks, what the catalog has. */
async function newestOutputs(agents: readonly AgentClient[]): Promise<OutputOf> {
  const answers = await ask(agents, (consul) => consul.catalog.ownChecks());
  const own = answers.flatMap(({ answer }) => (answer instanceof ConsulError ? [] : answer));
  return ({ node, id, output }) =>
    own.find((each) => each.node === node && each.id === id)?.output ?? output;
}

/** Lines about one condition at most. */
const maxInstead = 20;

/** As the first agent that answers tells it. */
async function insteadOf(
  { subject, instead }: Condition,
  agents: readonly AgentClient[],
  outputOf: OutputOf,
): Promise<string[]> {
  const answers = await ask(agents, (consul) => instead(consul, outputOf));
  const told = answers.flatMap(({ answer }) => (answer instanceof ConsulError ? [] : [answer]));
  const lines = (told[0] ?? []).map((line) => `${subject}: ${line}`);
  const more = lines.length - maxInstead;
  return more > 0 ? [...lines.slice(0, maxInstead), `${subject}: and ${more} more`] : lines;
}

/** Characters of a text from outside in one line. */
const maxText = 300;

/** A text from outside, such as a check's output, on one line. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > maxText ? `${line.slice(0, maxText)}…` : line;
}

/** Names that a message lists. */
const maxListed = 10;

/**
 * What to say of something that is not there: the name that the user most likely meant, or the names
 * that there are.
 *
 * @param what - its kind: `service`
 * @param known - the names that there are
 */
export function notThere(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `there is no such ${what}; did you mean \`${oneLine(near)}\`?`;
  if (known.length === 0) return `there is no ${what} at all`;
  const listed = known.slice(0, maxListed).map((each) => oneLine(shortened(each)));
  const more = known.length - listed.length;
  return `there is no such ${what}; there are ${listed.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}
