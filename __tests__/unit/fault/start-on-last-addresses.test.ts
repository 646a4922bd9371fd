import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { byAddress, startOnLastAddresses } from "../../../src/fault/start-on-last-addresses.ts";
import { agent, facts, fakeDocker, names, three } from "../find/fixtures.ts";

test("nodes start in the order of their addresses as numbers, unknown addresses last", () => {
  const addresses = new Map([
    ["server-1", "10.0.0.10"],
    ["server-3", "10.0.0.9"],
  ]);
  expect(names(byAddress(three.slice(0, 3), addresses))).toEqual([
    "server-3",
    "server-1",
    "server-2",
  ]);
});

describe("containers that hold addresses", () => {
  /** An engine whose containers, apart from nodes, are the lines of the file `containers`. */
  const engine = `
touch containers
for argument; do case "$argument" in --name=*) name=\${argument#--name=};; esac; done
case "$1" in
version) cat components 2>/dev/null || true;;
ps) cat containers;;
run)
  if grep -qx "$name" containers; then echo "The container name is already in use" >&2; exit 125; fi
  echo "$name" >> containers;;
rm) : > containers;;
start) touch started; if [ -e slow ]; then exec sleep 60; fi;;
network) echo "$*" >> connections;;
esac
`;
  const held = agent("server-2", "stopped");

  function step(signal: AbortSignal, started = agent("server-1", "stopped")) {
    const addresses = new Map([
      ["server-2", "10.0.0.2"],
      ["server-1", "10.0.0.3"],
    ]);
    const credentials = { scheme: "http" } as const;
    const found = { clusterId: "c0ffee00", network: "net", credentials, addresses };
    return {
      docker: new Engine(signal, () => {}),
      cleanup: new Engine(new AbortController().signal, () => {}),
      timeout: 1000,
      canceled: signal,
      cluster: { ...found, agents: [started, held] },
      hit: [started],
      toolsImage: "",
    };
  }

  test("that another step left behind don't fail this one", async () => {
    const folder = fakeDocker(engine);
    writeFileSync(join(folder, "containers"), "server-2-address\n");
    await startOnLastAddresses(step(new AbortController().signal));
    expect(readFileSync(join(folder, "containers"), "utf8")).toBe("");
  });

  test("are removed even if the step is canceled", async () => {
    const folder = fakeDocker(engine);
    writeFileSync(join(folder, "slow"), "");
    const canceled = new AbortController();
    const starting = startOnLastAddresses(step(canceled.signal));
    const ended = expect(starting).rejects.toThrow();
    while (!existsSync(join(folder, "started"))) await sleep(10);
    expect(readFileSync(join(folder, "containers"), "utf8")).toBe("server-2-address\n");
    canceled.abort();
    await ended;
    expect(readFileSync(join(folder, "containers"), "utf8")).toBe("");
  });

  test("are not needed with podman: each node asks for its last address", async () => {
    const folder = fakeDocker(engine);
    writeFileSync(join(folder, "components"), "linux/amd64\nPodman Engine\nConmon\n");
    await startOnLastAddresses(step(new AbortController().signal));
    expect(existsSync(join(folder, "started"))).toBe(true);
    expect(existsSync(join(folder, "containers"))).toBe(true);
    expect(readFileSync(join(folder, "containers"), "utf8")).toBe("");
    expect(readFileSync(join(folder, "connections"), "utf8")).toBe(
      "network disconnect net server-1\nnetwork connect --alias=server-1 --ip=10.0.0.3 net server-1\n",
    );
  });

  test("a node's other networks are away while it starts", async () => {
    const folder = fakeDocker(engine);
    const other = { NetworkID: "a", IPAddress: "", Aliases: ["web"] };
    const Networks = { app: other, ...facts.NetworkSettings.Networks };
    const started = {
      ...agent("server-1", "stopped"),
      facts: { ...facts, NetworkSettings: { Networks } },
    };
    await startOnLastAddresses(step(new AbortController().signal, started));
    expect(readFileSync(join(folder, "connections"), "utf8")).toBe(
      `network disconnect app ${facts.Name}\nnetwork connect --alias=web app ${facts.Name}\n`,
    );
  });
});
