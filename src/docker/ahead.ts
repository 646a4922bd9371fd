/**
 * Questions that a step asks in any case, asked before its code is loaded: the engine answers on one processor
 * while another loads. This file and what it imports must stay small.
 */
import { spawn } from "node:child_process";

/** Milliseconds that the pipe stays open after the exit, if a child of the process holds it. */
export const pipeGrace = 500;

/** By the command: its answer, undefined if it failed. It is run again then, and says why. */
const asked = new Map<string, Promise<string | undefined>>();

/** Arguments of docker commands that only ask. */
type Questions = readonly (readonly string[])[];

/**
 * Asks docker all of these at once.
 *
 * @param next - what an answer leads to: questions that are asked as soon as it is there
 */
export function askAhead(questions: Questions, next = (_answer: string): Questions => []): void {
  for (const args of questions) {
    const answer = answerTo(args).then((text) => {
      if (text !== undefined) askAhead(next(text));
      return text;
    });
    asked.set(keyOf(args), answer);
  }
}

/**
 * Takes the answer to a question that was asked ahead. Only the first who asks gets it.
 *
 * @returns undefined if there is none
 */
export function takeAhead(args: readonly string[]): Promise<string | undefined> | undefined {
  const answer = asked.get(keyOf(args));
  asked.delete(keyOf(args));
  return answer;
}

/** Forgets all answers: something may have changed since. */
export const forgetAhead = (): void => asked.clear();

const keyOf = (args: readonly string[]) => JSON.stringify(args);

function answerTo(args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn("docker", args, { stdio: ["ignore", "pipe", "ignore"] });
    const decoder = new TextDecoder();
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => {
      text += decoder.decode(bytes, { stream: true });
    });
    child.on("error", () => resolve(undefined));
    // What a wrapper script has started may hold the pipe for long.
    child.on("exit", () => setTimeout(() => child.stdout.destroy(), pipeGrace).unref());
    child.on("close", (exitCode) => resolve(exitCode === 0 ? text : undefined));
  });
}
