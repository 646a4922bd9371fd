/** Prints a step's log for a terminal as GitHub's pages show it: groups as headings, marked errors. */

const marks: Readonly<Record<string, string>> = {
  error: "✘ ",
  warning: "! ",
  notice: "» ",
};

/** Turns lines of a log into lines for a terminal; undefined for what is only for the runner. */
export function linePrinter(print: (line: string) => void): (line: string) => void {
  let indent = "";
  return (line) => {
    const [, command, message] = /^::([a-z-]+)(?: [^:]*)?::(.*)$/.exec(line) ?? [];
    if (command === undefined || message === undefined) print(`${indent}${line}`);
    else if (command === "endgroup") indent = "";
    else if (command === "group") {
      print(`▸ ${message}`);
      indent = "  ";
    } else if (command in marks) print(`${indent}${marks[command]}${decode(message)}`);
  };
}

function decode(message: string): string {
  return message.replaceAll("%0D", "").replaceAll("%0A", "\n  ").replaceAll("%25", "%");
}
