import type { Cli } from "./cli.ts";
import { type LogLine, lastLines } from "./log-lines.ts";

/** @returns the log of a container from both of its streams, or its `lastLines` */
export async function logOf(cli: Cli, container: string, lines: number | "all"): Promise<string[]> {
  const log: LogLine[] = [];
  const onLine = (text: string, stream: LogLine["stream"]) => log.push({ text, stream });
  await cli.run(["logs", container], { onLine });
  return lines === "all" ? log.map(({ text }) => text) : lastLines(log, lines);
}
