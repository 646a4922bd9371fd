/** A phase of a start as the action's log shows it. Milliseconds since the process started. */
export interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The timeline in a log of the main step (src/runner/timeline.ts, barsOf). */
export function phasesIn(log: string): Phase[] {
  return [...log.matchAll(/^(\w+) +from +([\d.]+) s +took +([\d.]+) s/gm)].map(
    ([, name = "", from, took]) => {
      const begin = Number(from) * 1000;
      return { name, from: begin, to: begin + Number(took) * 1000 };
    },
  );
}
