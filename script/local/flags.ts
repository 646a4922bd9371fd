/** The command line of `up`: every input of the action is a flag. */
import * as z from "zod";
import type { Action } from "../action.ts";
import { type CommandLine, commandLine } from "../command-line.ts";
import type { Home } from "./home.ts";
import { type Format, formats } from "./show.ts";

/** What `up` is asked for. */
export interface Asked {
  /** Inputs by name; the action itself checks the values. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly format: Format;
}

/** What is different from a job, where a flag could only be wrong. */
const noFlags: readonly string[] = ["cleanup"];

/** Inputs whose default is another one here. */
export const ownDefaults: Readonly<Record<string, string>> = { cli: "true" };

const trueOrFalse = z.enum(["true", "false"], "true or false");

/** @param args - the words after the command */
export function readFlags(action: Action, home: Home, args: readonly string[]): Asked {
  return askedFor(commandLine(upLine(action, home), args));
}

/** The command line of `up`. */
export function upLine(action: Action, home: Home): CommandLine<z.ZodRawShape> {
  const inputs = Object.entries(action.inputs).filter(
    // The runner fills in an expression.
    ([name, input]) => !noFlags.includes(name) && !input.default?.includes("${{"),
  );
  const flags = inputs.map(([name, { description, default: standard }]) => {
    const about = description.trim().replaceAll(/\s+/g, " ");
    const shown = ownDefaults[name] ?? standard;
    const more = shown ? ` (default: ${shown})` : "";
    return [name, z.string().optional().describe(`${about}${more}`)] as const;
  });
  const isSwitch = ([, input]: (typeof inputs)[number]) =>
    trueOrFalse.safeParse(input.default).success;
  return {
    command: home.command("up"),
    about: `starts a Consul cluster; ${home.command("down")} removes it`,
    values: z.object({ ...Object.fromEntries(flags), ...output.shape }),
    switches: [...inputs.filter(isSwitch).map(([name]) => name), "json"],
  };
}

const output = z.object({
  format: z
    .enum(formats, `one of ${formats.join(", ")}`)
    .optional()
    .describe(
      "what is printed to standard output: text, env (lines for a shell), or json (default: text)",
    ),
  json: trueOrFalse.optional().describe("the same as --format json"),
});

/** @param given - what the command line gives */
export function askedFor(given: unknown): Asked {
  const { format, json, ...inputs } = output.catchall(z.string()).parse(given);
  return { inputs, format: format ?? (json === "true" ? "json" : "text") };
}
