import { expect, test } from "vitest";
import { agentArguments } from "../../../src/plan/agent-config.ts";

const settings = {
  role: "server",
  node: "server-1",
  datacenter: "dc1",
  primary: "",
  servers: 1,
  join: [],
  joinWan: [],
  logLevel: "info",
  storage: "disk",
  env: new Map(),
  security: { acl: false, gossipEncryption: false, tls: false },
} as const;

test("a lone server expects itself and joins nobody", () => {
  const args = agentArguments(settings);
  expect(args).toContain("-bootstrap-expect=1");
  expect(args.join("\n")).not.toContain("join");
});

test("a client is neither server nor shows the UI", () => {
  const args = agentArguments({ ...settings, role: "client", join: ["a", "b"] });
  expect(args.filter((argument) => /server$|bootstrap|ui/.test(argument))).toEqual([]);
  expect(args).toEqual(expect.arrayContaining(["-retry-join=a", "-retry-join=b"]));
});

test.each([
  ["trace", "trace"],
  ["debug", "debug"],
  ["info", "info"],
  ["warn", "warn"],
  ["error", "err"],
] as const)("log level %s is %s to every version", (logLevel, spelled) => {
  expect(agentArguments({ ...settings, logLevel })).toContain(`-log-level=${spelled}`);
});
