import { randomUUID } from "node:crypto";
import * as core from "@actions/core";
import { ActionError, InputError, messageOf, type Quote, withQuotes } from "../errors.ts";
import { annotationText } from "./annotation.ts";

/** Logs a line, prefixed with the seconds since this process started. */
export function logTimed(line: string): void {
  core.info(`${process.uptime().toFixed(2).padStart(6)} s  ${line}`);
}

/**
 * Logs lines from outside, such as an agent's log, in a group. The runner must not execute commands
 * in them.
 */
export function showForeign(title: string, lines: readonly string[]): void {
  const token = randomUUID();
  core.startGroup(title);
  core.info(`::stop-commands::${token}`);
  for (const line of lines) core.info(line);
  core.info(`::${token}::`);
  core.endGroup();
}

/** Fails the step and reports an error: one annotation, or one per problem with the inputs. */
export function fail(error: unknown): void {
  process.exitCode = 1;
  if (error instanceof InputError)
    for (const { input, message, place } of error.problems)
      annotate(core.error, message, {
        title: `Invalid input: ${input}`,
        // With these the runner shows the annotation in the file itself.
        ...(place?.path && { file: place.path, startLine: place.line, startColumn: place.column }),
      });
  else if (error instanceof ActionError)
    annotate(core.error, error.explanation, { title: error.title }, error.quotes);
  else annotate(core.error, `${reportAdvice}\n${stackOf(error)}`, { title: "Bug in this action" });
}

/** Warns in an annotation; the step goes on. */
export function warn(message: string, properties: core.AnnotationProperties = {}): void {
  annotate(core.warning, message, properties);
}

/** The one place that makes an annotation. If the runner would cut it, the log has the whole text. */
function annotate(
  issue: typeof core.error,
  explanation: string,
  properties: core.AnnotationProperties,
  quotes: readonly Quote[] = [],
): void {
  const whole = withQuotes(explanation, quotes);
  const text = annotationText(explanation, quotes);
  if (text !== whole) showForeign("The whole message", whole.split("\n"));
  issue(text, properties);
}

const reportAdvice = "Please open an issue in the repository of this action, with this log:";

const stackOf = (error: unknown) =>
  (error instanceof Error ? error.stack : undefined) ?? messageOf(error);
