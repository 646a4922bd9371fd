import { expect, test } from "vitest";
import { createsSomething, kindOf } from "../../../src/docker/command-kinds.ts";

test.each([
  [["ps", "--all"], "asks"],
  [["network", "ls"], "asks"],
  [["logs", "--tail=all", "run"], "asks"],
  [["run", "--detach", "x"], "creates"],
  [["create", "x"], "creates"],
  [["network", "create", "x"], "creates"],
  [["volume", "create", "x"], "creates"],
  [["volume", "rm", "create"], "acts"],
  [["start", "run"], "acts"],
  [["constructor"], "acts"],
] as const)("%j %s", (args, kind) => {
  expect(kindOf(args)).toBe(kind);
});

test.each([
  ["docker run --detach x ", true],
  ["/usr/bin/docker create x ", true],
  ["/bin/sh /opt/my docker tools/docker volume create x", true],
  ["docker network create", true],
  ["docker --context=worker-1 run --detach x ", true],
  ["docker --context=run ps --all ", false],
  ["docker network rm create ", false],
  ["docker ps --all ", false],
  ["docker runs ", false],
])("the process %j", (commandLine, creates) => {
  expect(createsSomething(commandLine)).toBe(creates);
});
