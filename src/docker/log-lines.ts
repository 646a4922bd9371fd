/** A line of a container's log. */
export interface LogLine {
  readonly text: string;
  readonly stream: "stdout" | "stderr";
}

/** Lines of standard error that are shown in any case. */
const maxErrors = 5;

/**
 * The last lines of a log, with the last ones of standard error among them. The engine reads the two
 * streams one by one, so what a program said last may come before what it said just earlier on the other
 * stream. Up to 1.6, Consul says on standard error why it exits, and on standard output all else.
 *
 * @param count - how many, more than `maxErrors`
 */
export function lastLines(log: readonly LogLine[], count: number): string[] {
  const errors = log.filter(({ stream }) => stream === "stderr").slice(-maxErrors);
  const others = log.filter((line) => !errors.includes(line)).slice(errors.length - count);
  return log
    .filter((line) => errors.includes(line) || others.includes(line))
    .map(({ text }) => text);
}
