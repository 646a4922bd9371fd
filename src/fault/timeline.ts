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

/** Characters of the bar of the longest time. */
const width = 40;

/**
 * The job summary of a step in Markdown: a table of its events, with a bar for the time to each.
 *
 * @param title - what the step did
 */
export function timelineSummary(title: string, events: readonly TimelineEvent[]): string {
  const total = Math.max(...events.map(({ seconds }) => seconds), 0.001);
  const datacenters = new Set(events.flatMap(({ datacenter }) => datacenter ?? []));
  const rows = events.map((event) => {
    const where = datacenters.size > 1 && event.datacenter ? ` (${event.datacenter})` : "";
    const bar = "█".repeat(Math.round((event.seconds / total) * width));
    const time = `${event.seconds.toFixed(2)} s`;
    return `| ${time} | ${event.event} | ${meanings[event.event](event)}${where} | ${bar} |`;
  });
  return [
    `### Consul: ${title}`,
    "",
    "| after | event | | |",
    "| ---: | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
