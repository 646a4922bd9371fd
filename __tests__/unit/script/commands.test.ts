import { describe, expect, test } from "vitest";
import { CommandReader, Masks } from "../../../script/commands.ts";
import { linePrinter } from "../../../script/print.ts";

/** A log in which an agent's lines look like commands. */
const log = [
  "::group::Logs of server-1",
  "::stop-commands::5c1E-token",
  "::error::not ours",
  "::add-mask::agent",
  "::other::",
  "::5c1E-token::",
  "::endgroup::",
  "::error title=T::ours: 50%25",
];

test("commands are text while they are stopped", () => {
  const reader = new CommandReader();
  expect(log.map((line) => reader.read(line)?.name)).toEqual([
    "group",
    "stop-commands",
    undefined,
    undefined,
    undefined,
    "5c1E-token",
    "endgroup",
    "error",
  ]);
});

test("a command that the runner does not know is text", () => {
  expect(new CommandReader().read("::member::server-1")).toBeUndefined();
  expect(new CommandReader().read("  ::add-mask::x")).toEqual({ name: "add-mask", message: "x" });
});

describe("what is between stop-commands and its end", () => {
  test("is printed as it is, without the two lines around it", () => {
    const printed: string[] = [];
    const print = linePrinter((line) => printed.push(line));
    for (const line of log) print(line);
    expect(printed).toEqual([
      "▸ Logs of server-1",
      "  ::error::not ours",
      "  ::add-mask::agent",
      "  ::other::",
      "✘ ours: 50%",
    ]);
  });

  test("masks nothing", () => {
    const [masks, reader] = [new Masks(), new CommandReader()];
    for (const line of log) masks.apply(line, reader);
    expect(masks.apply("an agent", reader)).toBe("an agent");
    masks.apply("::add-mask::agent", reader);
    expect(masks.apply("an agent", reader)).toBe("an ***");
  });
});
