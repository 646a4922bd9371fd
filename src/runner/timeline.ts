/**
 * The phases of a start, in the order in which they begin. Image and network are prepared at once,
 * and agents gossip while others start. From gossip on a phase is a gate of ready/ and lasts
 * from the end of the one before: of an election it shows what was waited for after gossip.
 */
const phaseNames = [
  "process",
  "image",
  "network",
  "servers",
  "clients",
  "gossip",
  "election",
  "voters",
  "catalog",
  "wan",
  "seeds",
  "report",
] as const;
export type PhaseName = (typeof phaseNames)[number];

/** Begin and end of a phase, in milliseconds since the process started. */
export interface Phase {
  readonly name: PhaseName;
  readonly from: number;
  readonly to: number;
}

/** Where the time of a start goes. */
export class Timeline {
  readonly #begun = new Map<PhaseName, number>();
  readonly #ended = new Map<PhaseName, number>();
  readonly #now: () => number;

  /** @param now - milliseconds since the process started */
  constructor(now: () => number = () => process.uptime() * 1000) {
    this.#now = now;
    this.#begun.set("process", 0);
  }

  /** Of several calls for one phase the first counts. */
  begin(name: PhaseName): void {
    if (!this.#begun.has(name)) this.#begun.set(name, this.#now());
  }

  /** Of several calls for one phase the first counts: a gate may fail again and hold again. */
  end(name: PhaseName): void {
    if (!this.#ended.has(name)) this.#ended.set(name, this.#now());
  }

  /** Measures what this does. */
  async during<T>(name: PhaseName, work: () => Promise<T>): Promise<T> {
    this.begin(name);
    const result = await work();
    this.end(name);
    return result;
  }

  /** The phases that have ended. */
  phases(): Phase[] {
    return phaseNames.flatMap((name): Phase[] => {
      const [from, to] = [this.#begun.get(name), this.#ended.get(name)];
      return from === undefined || to === undefined ? [] : [{ name, from, to }];
    });
  }
}

/** Characters of a bar that lasts from the first phase's begin to the last one's end. */
const width = 50;

/** One line a phase: its name, begin and length in seconds, and a bar on a common scale. */
export function barsOf(phases: readonly Phase[]): string[] {
  const total = Math.max(...phases.map(({ to }) => to), 1);
  const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2).padStart(6);
  return phases.map(({ name, from, to }) => {
    const start = Math.min(Math.round((from / total) * width), width - 1);
    const length = Math.max(Math.round((to / total) * width) - start, 1);
    const bar = " ".repeat(start) + "█".repeat(length);
    return `${name.padEnd(9)} from ${seconds(from)} s  took ${seconds(to - from)} s  ${bar}`;
  });
}
