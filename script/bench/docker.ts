import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a program with these arguments, never through a shell; rejects with its output. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(program, args, { maxBuffer: 16 * 1024 * 1024 });
  return stdout.trim();
}

export const docker = (...args: readonly string[]) => run("docker", ...args);

/** @returns the work's result, and its duration in milliseconds */
export async function timed<T>(work: () => Promise<T>): Promise<{ result: T; time: number }> {
  const begin = performance.now();
  const result = await work();
  return { result, time: performance.now() - begin };
}
