/**
 * The command line of every script: `--help` explains it, and a script that gets past
 * `commandLine` has values that are right. Nothing may be written or started before.
 */
import * as z from "zod";

export interface CommandLine<Shape extends z.ZodRawShape> {
  /** How people run the script: `npm run bench`. */
  readonly command: string;
  /** What it does, for `--help`. */
  readonly about: string;
  /**
   * The values it takes, by name: strings as they are typed, with a description for `--help`. Each
   * is a flag, unless `positional` or `rest` names it. The message of a check says what is allowed.
   */
  readonly values: z.ZodObject<Shape>;
  /** Names of the values that are given without a flag, in this order. */
  readonly positional?: readonly string[];
  /** Names of flags that may stand alone, which then means `true`. */
  readonly switches?: readonly string[];
  /** Name of the value that gets all further words without a flag, with spaces between them. */
  readonly rest?: string;
}

export type Outcome<Values> =
  | { readonly kind: "values"; readonly values: Values }
  | { readonly kind: "help"; readonly text: string }
  /** One line that names the flag, what was given, and what is allowed. */
  | { readonly kind: "refused"; readonly message: string };

/**
 * The values from this process's command line. With --help, prints usage and exits; with invalid
 * values, prints what is wrong and exits with code 2.
 */
export function commandLine<Shape extends z.ZodRawShape>(
  line: CommandLine<Shape>,
  args: readonly string[] = process.argv.slice(2),
): z.infer<z.ZodObject<Shape>> {
  const outcome = readCommandLine(line, args, process.env);
  if (outcome.kind === "values") return outcome.values;
  if (outcome.kind === "help") console.log(outcome.text);
  else console.error(`${outcome.message} (${call(line, "--help")} explains it)`);
  process.exit(outcome.kind === "help" ? 0 : 2);
}

/** For a script that takes nothing but `--help`. */
export function takesNothing(command: string, about: string): void {
  commandLine({ command, about, values: z.object({}) });
}

/** A whole number in decimal digits. @param from - the smallest allowed */
export function wholeNumber(from: number) {
  const isAllowed = (text: string) =>
    /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && Number(text) >= from;
  return z.string().refine(isAllowed, `a whole number from ${from}`).transform(Number);
}

/**
 * Pure: what `commandLine` acts on.
 * @param env - the process's, in which npm records flags that it kept for itself
 */
export function readCommandLine<Shape extends z.ZodRawShape>(
  line: CommandLine<Shape>,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Outcome<z.infer<z.ZodObject<Shape>>> {
  if (args.includes("--help") || args.includes("-h")) return { kind: "help", text: usage(line) };
  const given = takenByNpm(line, env) ?? typedValues(line, args);
  if (typeof given === "string") return refused(given);
  const result = line.values.safeParse(Object.fromEntries(given));
  if (result.success) return { kind: "values", values: result.data };
  const messages = result.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${labelOf(line, name)} is "${given.get(name)}": it must be ${message}`;
  });
  return refused(messages.join("; "));
}

const refused = (message: string) => ({ kind: "refused", message }) as const;

type AnyLine = CommandLine<z.ZodRawShape>;

/** npm takes flags for itself, unless `--` comes before them. */
const isNpmScript = ({ command }: AnyLine) => command.startsWith("npm run ");

/** The command with words after it, as they are typed. */
const call = (line: AnyLine, ...words: readonly string[]) =>
  [line.command, ...(isNpmScript(line) ? ["--"] : []), ...words].join(" ");

const isPositional = ({ positional = [], rest }: AnyLine, name: string) =>
  positional.includes(name) || name === rest;

const namesOf = ({ values }: AnyLine) => Object.keys(values.shape);

const labelOf = (line: AnyLine, name: string) => (isPositional(line, name) ? name : `--${name}`);

/** `--tls=true` before npm's own `--` never reaches the script, which would do something else. */
function takenByNpm(line: AnyLine, env: Readonly<Record<string, string | undefined>>) {
  if (!isNpmScript(line)) return undefined;
  const variable = (name: string) => `npm_config_${name.replaceAll("-", "_")}`;
  const name = namesOf(line).find((name) => env[variable(name)] !== undefined);
  if (name === undefined) return undefined;
  const example = isPositional(line, name) ? `<${name}>` : `--${name}=<value>`;
  return `npm kept --${name} for itself: put -- before it, as in ${call(line, example)}`;
}

/**
 * The text of each value, or what is wrong with the command line. Node's `parseArgs` would read -1
 * as a flag and print several lines.
 */
function typedValues(line: AnyLine, args: readonly string[]): Map<string, string> | string {
  const flags = namesOf(line).filter((name) => !isPositional(line, name));
  const [rest, positional] = [[...args], [...(line.positional ?? [])]];
  const values = new Map<string, string>();
  for (let typed = rest.shift(); typed !== undefined; typed = rest.shift()) {
    const [, flag, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(typed) ?? [];
    const name =
      flag === undefined && !isFlagLike(typed) ? (positional.shift() ?? line.rest) : flag;
    if (name === undefined || (flag !== undefined && !flags.includes(flag)))
      return `Unknown argument "${typed}": ${allowed(line)}`;
    const isAlone = line.switches?.includes(name) && !/^(true|false)$/.test(rest[0] ?? "");
    const next = isAlone ? "true" : rest[0];
    if (flag !== undefined && inline === undefined && !isAlone) rest.shift();
    const value = flag === undefined ? typed : (inline ?? next);
    if (value === undefined || (inline === undefined && isFlagLike(value)))
      return `--${name} has no value: write --${name}=<value>`;
    const before = values.get(name);
    if (before !== undefined && name === line.rest) values.set(name, `${before} ${value}`);
    else if (before !== undefined) return `--${name} is given twice, as "${before}" and "${value}"`;
    else values.set(name, value);
  }
  return values;
}

/** A dash starts a flag, except in a negative number. */
const isFlagLike = (typed: string) => /^-\D/.test(typed);

function allowed(line: AnyLine): string {
  const names = namesOf(line).map((name) => labelOf(line, name));
  return `${line.command} takes ${names.length === 0 ? "only --help" : names.join(", ")}`;
}

function usage(line: AnyLine): string {
  const names = namesOf(line);
  const hasFlags = names.some((name) => !isPositional(line, name));
  const positional = (line.positional ?? []).map((name) => `[${name}]`);
  const rest = line.rest === undefined ? [] : [`[${line.rest}...]`];
  const words = [...positional, ...rest, ...(hasFlags ? ["[flags]"] : [])];
  const entries = names.flatMap((name) => {
    const schema = line.values.shape[name] ?? z.never();
    const { description = "" } = z.globalRegistry.get(schema) ?? {};
    const { data: standard } = z.safeParse(schema, undefined);
    const more = standard === undefined ? "" : ` (default: ${standard})`;
    return [`  ${labelOf(line, name)}`, `      ${description}${more}`];
  });
  return [names.length > 0 ? call(line, ...words) : line.command, `  ${line.about}`, "", ...entries]
    .join("\n")
    .trimEnd();
}
