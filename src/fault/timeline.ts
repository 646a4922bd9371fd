import { nothingSeen } from "../report/evidence.ts";
import { failureLines, failureTitle } from "../report/failure.ts";
import { type Bar, ganttOf, type Section } from "../report/gantt.ts";
import { table } from "../report/markdown.ts";
import type { FaultAction } from "./fault-inputs.ts";

/**
 * What happens in a step. `fault` and `undo`: the step begins to break nodes, or to bring them back;
 * `applied`: it has done so. `no-leader`, `election`, `write`, and `detection` are seen by asking the
 * agents. `effect` and `back`: everything that the step waits for holds.
 */
export type EventName =
  | "fault"
  | "undo"
  | "applied"
  | "no-leader"
  | "election"
  | "write"
  | "detection"
  | "effect"
  | "back";

/** What an event is about. */
export interface EventDetails {
  /** Of `fault`, `undo`, and `applied`. */
  readonly action?: FaultAction;
  /** Of `fault` and `undo`: the affected nodes. */
  readonly nodes?: readonly string[];
  /** Of what is seen by asking. */
  readonly datacenter?: string;
  /** Of `election`: node name of the new leader. */
  readonly leader?: string;
}

/** One object of the output `timeline`. */
export interface TimelineEvent extends EventDetails {
  readonly event: EventName;
  /** ISO 8601, in UTC. */
  readonly at: string;
  /** Since the first event. */
  readonly seconds: number;
}

/** Records what happens in a step, and when. */
export class FaultTimeline {
  readonly #entries: { event: EventName; details: EventDetails; at: number }[] = [];
  readonly #now: () => number;

  /** @param now - milliseconds since the epoch; must not go back */
  constructor(now: () => number = () => performance.timeOrigin + performance.now()) {
    this.#now = now;
  }

  /** Records that something happens now. */
  add(event: EventName, details: EventDetails = {}): void {
    this.#entries.push({ event, details, at: this.#now() });
  }

  /** The events in their order. */
  events(): TimelineEvent[] {
    const first = this.#entries[0]?.at ?? 0;
    return this.#entries.map(({ event, details, at }) => ({
      event,
      at: new Date(at).toISOString(),
      seconds: Math.round(at - first) / 1000,
      ...details,
    }));
  }
}

const meanings: Readonly<Record<EventName, (event: TimelineEvent) => string>> = {
  fault: ({ action, nodes }) => `\`${action}\` on ${nodes?.join(", ")}`,
  undo: ({ action, nodes }) => `\`${action}\` on ${nodes?.join(", ")}`,
  applied: ({ action }) => `\`${action}\` is done`,
  "no-leader": () => "agents without a quorum report no leader",
  election: ({ leader }) => `all agents report ${leader} as the new leader`,
  write: () => "first write accepted",
  detection: () => "all agents see who is away",
  effect: () => "the effect is complete",
  back: () => "all nodes are back, and the cluster is whole",
};

/** What a bar of the drawing says. The bar ends with the event. */
const labels: Readonly<Record<EventName, (event: TimelineEvent) => string>> = {
  fault: ({ action }) => `${action}`,
  undo: ({ action }) => `${action}`,
  applied: ({ action }) => `${action} is done`,
  "no-leader": () => "no leader is reported",
  election: ({ leader }) => `new leader ${leader}`,
  write: () => "first write",
  detection: () => "all agents know",
  effect: () => "effect complete",
  back: () => "cluster whole",
};

/** What happened from the beginning of a fault, and of its end, as bars. */
function sectionsOf(events: readonly TimelineEvent[]): Section[] {
  const sections: { name: string; from: number; bars: Bar[] }[] = [];
  const isSeveral = datacentersIn(events).size > 1;
  for (const event of events) {
    const to = event.seconds * 1000;
    const isBeginning = event.event === "fault" || event.event === "undo";
    if (isBeginning) sections.push({ name: labels[event.event](event), from: to, bars: [] });
    const section = sections.at(-1);
    if (isBeginning || !section) continue;
    const label = `${labels[event.event](event)}${whereText(event, isSeveral)}`;
    const time = ((to - section.from) / 1000).toFixed(2);
    const isBad = event.event === "no-leader";
    section.bars.push({ label: `${label}, ${time} s`, from: section.from, to, isBad });
  }
  return sections;
}

const datacentersIn = (events: readonly TimelineEvent[]) =>
  new Set(events.flatMap(({ datacenter }) => datacenter ?? []));

const whereText = ({ datacenter }: TimelineEvent, isSeveral: boolean) =>
  isSeveral && datacenter ? ` (${datacenter})` : "";

/**
 * The job summary of a step in Markdown: a drawing of its events, and a table of them.
 *
 * @param title - what the step did
 * @param failure - what the step ended with, if it failed
 */
export function timelineSummary(
  title: string,
  events: readonly TimelineEvent[],
  failure?: { readonly error: unknown },
): string {
  const isSeveral = datacentersIn(events).size > 1;
  const rows = events.map((event) => [
    `${event.seconds.toFixed(2)} s`,
    event.event,
    `${meanings[event.event](event)}${whereText(event, isSeveral)}`,
  ]);
  const sections = sectionsOf(events).filter(({ bars }) => bars.length > 0);
  return [
    `### Consul: ${title}`,
    "",
    ...(failure
      ? [
          `**The step failed: ${failureTitle(failure.error)}**`,
          "",
          ...failureLines(failure.error, nothingSeen),
        ]
      : []),
    ...(sections.length > 0 ? [...ganttOf(sections), ""] : []),
    ...table(
      [
        ["after", "right"],
        ["event", "left"],
        ["", "left"],
      ],
      rows,
    ),
    "",
  ].join("\n");
}
