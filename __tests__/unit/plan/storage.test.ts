import { describe, expect, test } from "vitest";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { agentArguments } from "../../../src/plan/agent-config.ts";

function specOf(inputs: Record<string, string>) {
  const texts = new Map(Object.entries({ ...inputDefaults, ...inputs }));
  return parseInputs((name) => texts.get(name) ?? "").spec;
}

describe("storage", () => {
  test.each([
    ["1", "0", "", "memory"],
    ["1", "5", "", "memory"],
    ["1", "0", "disk", "disk"],
    ["1", "0", "memory", "memory"],
    ["2", "0", "", "disk"],
    ["3", "3", "disk", "disk"],
  ])("of %s servers and %s clients with %j is %s", (servers, clients, storage, expected) => {
    expect(specOf({ servers, clients, storage }).datacenters[0].storage).toBe(expected);
  });

  test("memory for several servers is refused, with the reason", () => {
    expect(() => specOf({ servers: "3", storage: "memory" })).toThrow(
      /`storage` is "memory", but `servers` is 3: .*elects itself alone.*`storage: disk` or `servers: 1`/,
    );
  });

  test("an unknown word is refused", () => {
    expect(() => specOf({ storage: "tmpfs" })).toThrow(/`storage` is "tmpfs": .*memory or disk/);
  });
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
    security: { acl: false, gossipEncryption: false, tls: false },
  } as const;

  test("in memory is -dev with the standard gossip, and the user's log level", () => {
    const command = agentArguments({ ...settings, storage: "memory" });
    expect(command).toEqual(expect.arrayContaining(["-dev", "-log-level=info", "-client=0.0.0.0"]));
    expect(command.join(" ")).toContain('"probe_interval":"1s"');
    expect(command.join(" ")).not.toContain("-bootstrap-expect");
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
