/** Prints a step's log in a terminal the way GitHub shows it: groups as headings, errors marked. */
import { CommandReader, decode } from "./commands.ts";

const marks: Readonly<Record<string, string>> = {
  error: "✘ ",
  warning: "! ",
  notice: "» ",
};

/**
 * Turns lines of one step's log into lines for a terminal. Leaves out commands that are only for the
 * runner; between stop-commands and its end, prints every line unchanged.
 */
export function linePrinter(print: (line: string) => void): (line: string) => void {
  let indent = "";
  const reader = new CommandReader();
  return (line) => {
    const command = reader.read(line);
    if (command === undefined) print(`${indent}${line}`);
    else if (command.name === "endgroup") indent = "";
    else if (command.name === "group") {
      print(`▸ ${decode(command.message)}`);
      indent = "  ";
    } else if (command.name in marks)
      print(`${indent}${marks[command.name]}${indented(decode(command.message))}`);
  };
}

function indented(message: string): string {
  return message.replaceAll("\r", "").replaceAll("\n", "\n  ");
}
