import { expect, test } from "vitest";
import { type LogLine, lastLines } from "../../../src/docker/log-lines.ts";

const lines = (stream: LogLine["stream"], prefix: string, count: number): LogLine[] =>
  Array.from({ length: count }, (_, index) => ({ text: `${prefix}${index}`, stream }));
const texts = (log: readonly LogLine[]) => log.map(({ text }) => text);

test("the last lines are those of one stream, if the other has none", () => {
  const out = lines("stdout", "out ", 20);
  const err = lines("stderr", "err ", 20);
  expect(lastLines(out, 15)).toEqual(texts(out.slice(-15)));
  expect(lastLines(err, 15)).toEqual(texts(err.slice(-15)));
  expect(lastLines([], 15)).toEqual([]);
});

test("what a program says on standard error is among them, even if the engine read it first", () => {
  const log = [
    ...lines("stdout", "start ", 3),
    ...lines("stderr", "why ", 1),
    ...lines("stdout", "out ", 20),
  ];
  const shown = lastLines(log, 15);
  expect(shown).toHaveLength(15);
  expect(shown).toEqual(["why 0", ...texts(log.slice(-14))]);
});

test("much on standard error leaves room for the last of what is said on standard output", () => {
  const log = [...lines("stderr", "err ", 40), ...lines("stdout", "out ", 40)];
  expect(lastLines(log, 15)).toEqual([...texts(log.slice(35, 40)), ...texts(log.slice(-10))]);
});
