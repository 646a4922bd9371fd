import type { StepResult } from "../../script/runner.ts";

export interface Annotation {
  readonly title: string;
  readonly message: string;
}

/** The `::error::` annotations of a step, decoded. */
export function errorsOf({ log }: StepResult): Annotation[] {
  const decode = (text: string) =>
    text
      .replaceAll("%0A", "\n")
      .replaceAll("%3A", ":")
      .replaceAll("%2C", ",")
      .replaceAll("%25", "%");
  return Array.from(
    log.matchAll(/^::error title=(.*?)::(.*)$/gm),
    ([, title = "", message = ""]) => ({
      title: decode(title),
      message: decode(message),
    }),
  );
}

/** What a step says to everyone: its log without the lines that only debug logging shows. */
export const saidBy = ({ log }: StepResult): string[] =>
  log.split("\n").filter((line) => line !== "" && !line.startsWith("::debug::"));
