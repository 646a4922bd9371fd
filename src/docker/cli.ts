import { kindOf } from "./command-kinds.ts";
import { DockerError } from "./docker-error.ts";
import { askDocker } from "./question.ts";
import { filterOptions, linesIn } from "./questions.ts";
import { type CommandContext, commandLineOf, type RunOptions, runSpawned } from "./spawned.ts";
import { explainUnknown } from "./unknown-failure.ts";

/** Runs docker commands. Arguments go to the program as an array, never through a shell. */
export class Cli {
  readonly #context: CommandContext;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /**
   * @param args - a docker command, without `docker`
   * @returns standard output
   * @throws DockerError if the command fails. If its text is unknown, the engine is asked why
   */
  async run(args: readonly string[], options?: RunOptions): Promise<string> {
    try {
      return await this.#execute(args, options);
    } catch (error) {
      if (!(error instanceof DockerError)) throw error;
      const isUnknown = error.failure === "other";
      const isElsewhere = this.#context.dockerContext !== "";
      if (!isUnknown && !isElsewhere) throw error;
      const failure = isUnknown
        ? await explainUnknown(args, (question) => this.#execute(question))
        : error.failure;
      // One of several engines: the message says which.
      const command = commandLineOf([error.command], this.#context).join(" ");
      throw new DockerError(failure, command, error.said);
    }
  }

  /** @returns the lines of a listing whose objects match all filters */
  async list(command: readonly string[], filters: readonly string[]): Promise<string[]> {
    return this.lines([...command, ...filterOptions(filters)]);
  }

  /** @returns the lines of a listing */
  async lines(command: readonly string[]): Promise<string[]> {
    return linesIn(await this.run(command));
  }

  /** @returns a command's answer, or undefined if what it is about does not exist */
  async unlessMissing(command: Promise<string>): Promise<string | undefined> {
    try {
      return await command;
    } catch (error) {
      if (error instanceof DockerError && error.failure === "not-found") return undefined;
      throw error;
    }
  }

  /**
   * Runs a command the way that suits it. The toolkit's exec can't end a process, which is fine for
   * a question: it changes nothing, and the step ends without its answer. Any other command runs
   * in a process group that we end and wait for on cancellation: left alone, it would create or
   * change something behind our back.
   */
  async #execute(args: readonly string[], options?: RunOptions): Promise<string> {
    this.#context.signal.throwIfAborted();
    this.#context.trace(`docker ${commandLineOf(args, this.#context).join(" ")}`);
    return (kindOf(args) === "asks" ? askDocker : runSpawned)(args, this.#context, options);
  }
}
