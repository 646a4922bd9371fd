import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root, runId } from "../../script/runner.ts";
import { up } from "../support/cluster.ts";
import { aliveMembers } from "../support/consul.ts";
import { docker, engineHoldings, runLikeThisMachine, testImage } from "../support/engine.ts";

const network = `tests-${runId}`;
beforeAll(async () => {
  await docker("network", "create", network);
});
afterAll(async () => {
  await docker("network", "rm", network);
});

/** Runs a command in a new container on the network. */
function onNetwork(...command: readonly string[]): Promise<string> {
  const [entrypoint = "", ...args] = command;
  const options = [`--network=${network}`, `--entrypoint=${entrypoint}`];
  return docker("run", "--rm", ...options, testImage(), ...args);
}

describe("on a network that the job names", () => {
  test("nodes answer to their names, and the network is kept", async () => {
    const before = await engineHoldings();
    const { outputs, nodes, down } = await up({ servers: "1", clients: "1", network });
    expect(outputs.network).toBe(network);
    for (const { name } of nodes) {
      const address = `-http-addr=http://${name}:8500`;
      expect(await onNetwork("consul", "members", address)).toMatch(/^server-1 .* alive /m);
    }
    await down();
    // The network existed before.
    expect(await engineHoldings()).toEqual(before);
  });

  test("two clusters don't join each other", async () => {
    const first = await up({ servers: "1", network });
    const second = await up({ servers: "1", clients: "1", network });
    for (const { nodes, down } of [first, second]) {
      const names = nodes.map(({ name }) => name).sort();
      for (const { http } of nodes) expect(await aliveMembers(http)).toEqual(names);
      await down();
    }
  });
});

test("a network that does not exist is refused, with the command that creates it", async () => {
  const name = `${network}-missing`;
  await expect(up({ servers: "1", network: name })).rejects.toThrow(
    `docker network create ${name}`,
  );
});

describe("on a machine, a job's network", () => {
  const told = (name: string) => ({ contexts: { job: { container: { network: name } } } });

  test.each(["host", "bridge", `${network}-missing`])(
    "that is no network for agents (%s) is ignored",
    async (name) => {
      const { outputs, down } = await up({ servers: "1" }, told(name));
      expect(outputs.network).toMatch(/^consul-/);
      await down();
    },
  );

  test("is joined, as that of service containers, unless the user names another", async () => {
    const services = `${network}-${"x".repeat(150)}`.slice(0, 150);
    await docker("network", "create", services);
    const joined = await up({ servers: "1" }, told(services));
    expect(joined.outputs.network).toBe(services);
    await joined.down();
    const named = await up({ servers: "1", network }, told(services));
    expect(named.outputs.network).toBe(network);
    await named.down();
    await docker("network", "rm", services);
  });
});

test("several clusters start at once on free ports", async () => {
  const before = await engineHoldings();
  const datacenters = ["north", "south", "west"];
  const clusters = await Promise.all(
    datacenters.map((datacenter) => up({ servers: "1", clients: "1", datacenter })),
  );
  const addresses = clusters.flatMap(({ outputs, nodes }) => [
    ...nodes.map(({ http }) => new URL(http).host),
    outputs["dns-address"],
    outputs["grpc-address"],
  ]);
  expect(new Set(addresses).size).toBe(4 * datacenters.length);
  for (const [index, { nodes }] of clusters.entries()) {
    expect(nodes[0]?.datacenter).toBe(datacenters[index]);
    for (const { http } of nodes)
      expect(await aliveMembers(http)).toEqual(["client-1", "server-1"]);
  }
  await Promise.all(clusters.map(({ down }) => down()));
  expect(await engineHoldings()).toEqual(before);
});

describe("in a job that runs in a container", () => {
  const answer = z.object({
    outputs: z.record(z.string(), z.string()),
    members: z.record(z.string(), z.array(z.string())),
    published: z.array(z.string()),
    service: z.string(),
  });

  test("the cluster joins the job's network and is reached by name, with nothing published", async () => {
    const before = await engineHoldings();
    const output = await docker(
      ...["run", "--rm", `--network=${network}`, ...(await runLikeThisMachine())],
      // Labels its cluster as one of this file.
      `--env=CONSUL_TEST_RUN_ID=${runId}`,
      ...[`--entrypoint=${process.execPath}`, testImage()],
      ...[join(root, "__tests__/support/job-in-container.ts"), network],
      JSON.stringify({ servers: "1", clients: "1", image: testImage() }),
    );
    const { outputs, members, published, service } = answer.parse(JSON.parse(output));
    expect(outputs).toMatchObject({
      network,
      "http-address": "http://server-1:8500",
      "http-host": "server-1",
      "http-port": "8500",
      "dns-address": "server-1:8600",
      "dns-host": "server-1",
      "dns-port": "8600",
      "grpc-address": "server-1:8502",
      "client-address": "http://client-1:8500",
    });
    const names = ["client-1", "server-1"];
    expect(members).toEqual({ "http://server-1:8500": names, "http://client-1:8500": names });
    expect(published).toEqual(["", ""]);
    // It listens in the job's container, at the output `host-address`.
    expect(service).toBe("passing");
    expect(await engineHoldings()).toEqual(before);
  });
});
