import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { gatherEngines } from "../../src/apply/engines.ts";
import { DockerError } from "../../src/docker/docker-error.ts";
import { Engine } from "../../src/docker/engine.ts";
import type { Engines } from "../../src/docker/engines.ts";
import { InputError } from "../../src/errors.ts";
import { docker, testImage } from "../support/engine.ts";
import { machines, onMachines } from "../support/machines.ts";

const names = ["default", "worker-1", "worker-2"] as const;
const label = "consul-cluster-action.machines-test";

const engine = (patience?: number) =>
  new Engine(new AbortController().signal, () => {}, {}, patience);

describe("three engines in a swarm", onMachines, () => {
  let engines: Engines;
  /** A new one for each test: an engine may still know one that was just removed. */
  let network = "";

  beforeAll(async () => {
    engines = await gatherEngines(engine(), names);
  });
  beforeEach(({ task }) => {
    network = `machines-test-${task.id}`;
  });

  afterEach(async () => {
    await engines.removeContainers(await engines.containers(`label=${label}`));
    for (const name of await engines.networks(`label=${label}`)) await engines.removeNetwork(name);
  });

  const addressOf = (index: number) => `10.77.0.${100 + index}`;

  /** A container on each engine, which ends at once when it is asked to. */
  async function runEverywhere(): Promise<string[]> {
    await engines.createNetwork([
      "--driver=overlay",
      "--attachable",
      "--subnet=10.77.0.0/24",
      `--label=${label}`,
      network,
    ]);
    const containers = names.map((name) => `machines-test-${name}`);
    await Promise.all(
      containers.map((container, index) => {
        engines.place(container, names[index] ?? "");
        const where = [`--network=${network}`, `--ip=${addressOf(index)}`];
        const script = `echo "this is ${container}"; trap exit TERM; while :; do sleep 0.1; done`;
        const command = ["--entrypoint=sh", testImage(), "-c", script];
        const options = [`--name=${container}`, `--label=${label}`, ...where];
        return engines.runContainer([...options, ...command]);
      }),
    );
    return containers;
  }

  const ip = async (container: string) => {
    const [facts] = await engines.inspectContainers([container]);
    return facts?.NetworkSettings.Networks[network]?.IPAddress;
  };

  test("containers are spread over them, and found, asked, and changed where they are", async () => {
    const containers = await runEverywhere();
    const own = await Promise.all(
      names.map((name) => engine().on(name).containers(`label=${label}`)),
    );
    expect(own).toEqual(containers.map((each) => [each]));

    // Other steps know no places.
    const later = await gatherEngines(engine(), names);
    expect((await later.containers(`label=${label}`)).sort()).toEqual([...containers].sort());
    const unasked = await gatherEngines(engine(), names);
    const last = containers[2] ?? "";
    await expect.poll(() => unasked.logs(last, 1)).toEqual([`this is ${last}`]);
    const facts = await later.inspectContainers(containers);
    expect(facts.map(({ Name, State }) => [Name, State.Running]).sort()).toEqual(
      containers.map((each) => [each, true]).sort(),
    );
    const held = await later.networkMembers(network);
    const members = held?.filter(({ name }) => containers.includes(name)).map((each) => each.ip);
    expect(members?.sort()).toEqual(names.map((_, index) => addressOf(index)));
  });

  test("the first exit is seen on whichever engine it is, and a node comes back on its address", async () => {
    const containers = await runEverywhere();
    const last = containers[2] ?? "";
    const exit = engines.firstExit([`label=${label}`], new Date());
    await engines.change("kill", [last]);
    expect(await exit).toEqual({ container: last, exitCode: 137 });
    await engines.change("start", [last]);
    expect(await ip(last)).toBe(addressOf(2));
    const hears = ["exec", containers[0] ?? "", "ping", "-c1", "-W10", addressOf(2)];
    expect(await docker(...hears)).toContain("1 packets received");
  });

  test("the network is in use as long as any engine has a container on it", async () => {
    const containers = await runEverywhere();
    await engines.removeContainers(containers.slice(0, 2));
    const refused: unknown = await engines.removeNetwork(network).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DockerError);
    expect(refused).toMatchObject({ failure: "swarm-network-in-use" });
    await engines.removeContainers(containers);
    await engines.removeNetwork(network);
    await expect.poll(() => engines.networks(`label=${label}`)).toEqual([]);
  });

  test("all that is wrong with engines is said at once", async () => {
    await docker("--context=worker-2", "swarm", "leave");
    const wrong = ["default", "worker-2", "worker-9"] as const;
    const refused: unknown = await gatherEngines(engine(), wrong).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InputError);
    const said = refused instanceof InputError ? refused.problems.map((each) => each.message) : [];
    expect(said).toEqual([
      expect.stringContaining('"worker-2", but its engine is in no swarm'),
      expect.stringContaining('"worker-9", and there is no such context'),
    ]);
    await expect(gatherEngines(engine(), ["worker-1"])).rejects.toThrow("names no manager");
  });

  // Last: it leaves two engines.
  test("of an engine that does not answer, the error names the context", async () => {
    const pid = Number(readFileSync(join(machines, "machine-1", "pid"), "utf8"));
    process.kill(pid, "SIGSTOP");
    try {
      const asked: unknown = await engine(1500)
        .on("worker-1")
        .containers()
        .catch((error: unknown) => error);
      expect(asked).toMatchObject({
        failure: "engine-unreachable",
        message: expect.stringContaining("`docker --context=worker-1 ps` failed: no answer"),
      });
      expect(await engine(5000).on("default").containers()).toEqual([]);
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });
});
