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

/** The values that a job must not show. */
export class Masks {
  readonly #values = new Set<string>();

  /** The line as a reader may see it; learns from the line when it is `::add-mask::`. */
  apply(line: string): string {
    const added = /^\s*::add-mask::(.*)$/.exec(line)?.[1];
    if (added !== undefined) this.#add(decode(added));
    // The longest first, else a value that holds another would be shown in part.
    const values = [...this.#values].sort((a, b) => b.length - a.length);
    return values.reduce((masked, value) => masked.replaceAll(value, "***"), line);
  }

  #add(secret: string): void {
    // The log goes line by line, so each line of a secret is one.
    for (const line of secret.split(/\r?\n/)) if (line.trim() !== "") this.#values.add(line);
  }
}

function decode(data: string): string {
  return data.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}
