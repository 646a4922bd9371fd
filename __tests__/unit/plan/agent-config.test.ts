import { describe, expect, test } from "vitest";
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
  devTurnsConnectOn: false,
  entrypoint: undefined,
  security: { acl: false, gossipEncryption: false, tls: false },
} as const;

test("a single server expects itself and joins no one", () => {
  const args = agentArguments(settings);
  expect(args).toContain("-bootstrap-expect=1");
  expect(args.join("\n")).not.toContain("-join");
});

test("a client is not a server and has no UI", () => {
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
] as const)("log level %s is passed as %s to every version", (logLevel, spelled) => {
  expect(agentArguments({ ...settings, logLevel })).toContain(`-log-level=${spelled}`);
});

describe("the agent's command", () => {
  const settings = {
    role: "server",
    node: "server-1",
    datacenter: "dc1",
    primary: "",
    servers: 1,
    join: [],
    joinWan: [],
    logLevel: "info",
    env: new Map(),
    devTurnsConnectOn: false,
    entrypoint: undefined,
    security: { acl: false, gossipEncryption: false, tls: false },
  } as const;

  test("in memory is -dev with the standard gossip, and the user's log level", () => {
    const command = agentArguments({ ...settings, storage: "memory" });
    expect(command).toEqual(expect.arrayContaining(["-dev", "-log-level=info", "-client=0.0.0.0"]));
    expect(command.join(" ")).toContain('"probe_interval":"1s"');
    expect(command.join(" ")).not.toContain("-bootstrap-expect");
  });

  test("in memory turns Connect off if only -dev turns it on", () => {
    const off = '"connect":{"enabled":false}';
    const command = (devTurnsConnectOn: boolean, storage: "memory" | "disk") =>
      agentArguments({ ...settings, devTurnsConnectOn, storage }).join(" ");
    expect(command(true, "memory")).toContain(off);
    expect(command(false, "memory")).not.toContain(off);
    expect(command(true, "disk")).not.toContain(off);
  });

  test("on disk waits for as many servers as there are", () => {
    const command = agentArguments({ ...settings, storage: "disk" });
    expect(command).toEqual(expect.arrayContaining(["-server", "-bootstrap-expect=1"]));
    expect(command).not.toContain("-dev");
  });

  test("of a client is the same whatever the server's storage", () => {
    const client = { ...settings, role: "client", node: "client-1" } as const;
    expect(agentArguments({ ...client, storage: "memory" })).toEqual(
      agentArguments({ ...client, storage: "disk" }),
    );
  });
});
