/**
 * The phases of a start, in the order they begin. Image and network are prepared concurrently, and
 * agents gossip while others start. From gossip on, most phases are gates of ready/ and begin when
 * the previous one ends: the election shows only the wait after gossip.
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
  "restore",
  "seeds",
  "report",
] as const;
export type PhaseName = (typeof phaseNames)[number];

/** Start and end of a phase, in milliseconds since the process started. */
export interface Phase {
  readonly name: PhaseName;
  readonly from: number;
  readonly to: number;
}

/** Records where the time of a start goes. */
export class Timeline {
  readonly #begun = new Map<PhaseName, number>();
  readonly #ended = new Map<PhaseName, number>();
  readonly #now: () => number;

  /** @param now - milliseconds since the process started */
  constructor(now: () => number = () => process.uptime() * 1000) {
    this.#now = now;
    this.#begun.set("process", 0);
  }

  /** Only the first call for a phase counts. */
  begin(name: PhaseName): void {
    if (!this.#begun.has(name)) this.#begun.set(name, this.#now());
  }

  /** Only the first call for a phase counts: a gate may fail and hold again later. */
  end(name: PhaseName): void {
    if (!this.#ended.has(name)) this.#ended.set(name, this.#now());
  }

  /** Measures the phase in which this work runs. A failed phase is left out. */
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

/** Characters of a bar that spans all phases. */
const width = 50;

/** One line per phase: name, start and duration in seconds, and a bar on a common scale. */
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
