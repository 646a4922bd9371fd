/** How an action talks back to the runner: command files and commands in the log. */

/** `name=value` lines, and `name<<delimiter` with lines of value up to the delimiter. */
export function parseCommandFile(content: string): Record<string, string> {
  const lines = content.split(/\r?\n/);
  const values: Record<string, string> = {};
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    if (line === "") continue;
    const [, name, sign, rest] = /^(.*?)(<<|=)(.*)$/.exec(line) ?? [];
    if (!name || rest === undefined) throw new Error(`not in a command file's format: ${line}`);
    values[name] = sign === "=" ? rest : takeUntil(rest, lines);
  }
  return values;
}

function takeUntil(delimiter: string, lines: string[]): string {
  const end = lines.indexOf(delimiter);
  if (end < 0) throw new Error(`a value in a command file never ends: no ${delimiter}`);
  const value = lines.splice(0, end + 1);
  return value.slice(0, -1).join("\n");
}

export function parsePathFile(content: string): string[] {
  return content.split(/\r?\n/).filter((line) => line !== "");
}

export interface Command {
  readonly name: string;
  /** As in the log, encoded. */
  readonly message: string;
}

/** Commands that the runner knows (actions/runner, `ActionCommandManager`): others are text to it. */
const known = new Set(
  "add-mask add-matcher add-path debug echo endgroup error group notice remove-matcher save-state set-env set-output stop-commands warning".split(
    " ",
  ),
);

/** Reads the commands in the log of one step, line by line. */
export class CommandReader {
  /** What ends a `::stop-commands::<token>`, until it has come. */
  #token: string | undefined;

  /** The command that a line gives; undefined for text, which is all between stop-commands and its end. */
  read(line: string): Command | undefined {
    const [, name, message] = /^\s*::([^\s:]+)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
    if (name === undefined || message === undefined) return undefined;
    const isEnd = name === this.#token;
    if (isEnd) this.#token = undefined;
    else if (this.#token !== undefined || !known.has(name)) return undefined;
    else if (name === "stop-commands") this.#token = message;
    return { name, message };
  }
}

/** Data of a command as it was before it was written into one line. */
export function decode(data: string): string {
  return data.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}

/** The values that a job must not show. */
export class Masks {
  readonly #values = new Set<string>();

  /**
   * The line as a reader may see it; learns from the line when it is `::add-mask::`.
   * @param reader - the step's own: while it is told to stop, nothing is learned
   */
  apply(line: string, reader = new CommandReader()): string {
    const command = reader.read(line);
    if (command?.name === "add-mask") this.#add(decode(command.message));
    // The longest first, else a value that holds another would be shown in part.
    const values = [...this.#values].sort((a, b) => b.length - a.length);
    return values.reduce((masked, value) => masked.replaceAll(value, "***"), line);
  }

  #add(secret: string): void {
    // The log goes line by line, so each line of a secret is one.
    for (const line of secret.split(/\r?\n/)) if (line.trim() !== "") this.#values.add(line);
  }
}
