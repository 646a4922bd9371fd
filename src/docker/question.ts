import { exec, getExecOutput } from "@actions/exec";
import { pipeGrace, takeAhead } from "./ahead.ts";
import { commandFailed, commandNotStarted, notAnswered } from "./docker-error.ts";
import { LineSplitter } from "./lines.ts";
import { type CommandContext, commandLineOf, type RunOptions } from "./spawned.ts";

/** Characters of standard error that are kept for an error message. */
const maxError = 4096;

interface CommandOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command that only asks.
 *
 * @returns standard output; empty if `onLine` gets it
 * @throws DockerError if the command fails, or is silent for longer than the scope's patience; the
 *   signal's reason, at once, if it is aborted. The process may still run then.
 */
export async function askDocker(
  args: readonly string[],
  context: CommandContext,
  { onLine }: RunOptions = {},
): Promise<string> {
  const { signal, env, patience } = context;
  const unanswered = Promise.withResolvers<never>();
  const timer = setTimeout(() => unanswered.reject(notAnswered(args, patience)), patience);
  const cancel = () => unanswered.reject(signal.reason);
  signal.addEventListener("abort", cancel, { once: true });
  const hear = () => timer.refresh();
  const command = commandLineOf(args, context);
  const run = onLine ? askForLines(command, env, hear, onLine) : askOnce(command, env, hear);
  const failed = (error: Error) => Promise.reject(commandNotStarted(args, error));
  try {
    const { exitCode, stdout, stderr } = await Promise.race([
      unanswered.promise,
      run.catch(failed),
    ]);
    if (exitCode === 0) return stdout;
    throw commandFailed(args, stderr, exitCode);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
  }
}

type Hear = (bytes: Buffer) => void;

/** Unless the answer is there already, or on its way. */
async function askOnce(
  args: readonly string[],
  env: CommandContext["env"],
  hear: Hear,
): Promise<CommandOutput> {
  const stdout = await takeAhead(args);
  return stdout === undefined ? askForText(args, env, hear) : { exitCode: 0, stdout, stderr: "" };
}

function askForText(
  args: readonly string[],
  env: CommandContext["env"],
  hear: Hear,
): Promise<CommandOutput> {
  return getExecOutput("docker", [...args], execOptions(env, { stdout: hear, stderr: hear }));
}

/**
 * The toolkit's `getExecOutput` would hold all of a log as one text, which has a size limit, and its
 * line listeners break characters of several bytes and lose a last line without a line break.
 */
async function askForLines(
  args: readonly string[],
  env: CommandContext["env"],
  hear: Hear,
  onLine: NonNullable<RunOptions["onLine"]>,
): Promise<CommandOutput> {
  let errors = "";
  const stdout = new LineSplitter((line) => onLine(line, "stdout"));
  const stderr = new LineSplitter((line) => {
    errors = `${errors}${line}\n`.slice(-maxError);
    onLine(line, "stderr");
  });
  const to = (splitter: LineSplitter) => (bytes: Buffer) => {
    hear(bytes);
    splitter.write(bytes);
  };
  const listeners = { stdout: to(stdout), stderr: to(stderr) };
  const exitCode = await exec("docker", [...args], execOptions(env, listeners));
  stdout.end();
  stderr.end();
  return { exitCode, stdout: "", stderr: errors };
}

function execOptions(env: CommandContext["env"], listeners: { stdout: Hear; stderr: Hear }) {
  const variables = Object.entries({ ...process.env, ...env });
  return {
    silent: true,
    ignoreReturnCode: true,
    delay: pipeGrace,
    env: Object.fromEntries(variables.map(([name, value = ""]) => [name, value])),
    listeners,
  };
}
