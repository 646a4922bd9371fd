/** Nodes that the user connected to more networks (`docker network connect`). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { addressesIn, fastTimers, fault, ownJob, statesIn, upgrade } from "../support/actions.ts";
import { nodeOf, type Up, up } from "../support/cluster.ts";
import { aliveMembers, getJson } from "../support/consul.ts";
import { docker } from "../support/engine.ts";
import { twoVersions, type VersionedImage } from "../support/images.ts";

/** Names that sort before and after that of the cluster's network, `consul-<id>`. */
const before = `a-${randomUUID()}`;
const after = `z-${randomUUID()}`;
/** The user's choice in the second network. */
let address: string;

/** So that a step that fails says why before the test's own time is up. */
const soon = { timeout: "40s" };

let older: VersionedImage;
let newer: VersionedImage;
let cluster: Up;

beforeAll(async () => {
  [older, newer] = await twoVersions();
  const inputs = { image: older.image, servers: "1", clients: "1", storage: "disk" };
  cluster = await up({ ...inputs, config: fastTimers }, ownJob());
  await docker("network", "create", before);
  address = await createNetwork(after);
  for (const { container, name } of cluster.nodes)
    await docker("network", "connect", `--alias=app-${name}`, before, container);
  await docker(
    "network",
    "connect",
    "--alias=web",
    `--ip=${address}`,
    after,
    containerOf("server-1"),
  );
});
afterAll(async () => {
  await cluster.down();
  await docker("network", "rm", before, after);
});

/** @returns an address in the network, from a range for documentation (RFC 5737) that nothing here has */
async function createNetwork(name: string, part = 0): Promise<string> {
  try {
    await docker("network", "create", `--subnet=198.51.100.${part}/28`, name);
    return `198.51.100.${part + 13}`;
  } catch (error) {
    const isTaken = error instanceof Error && /overlaps|already (in use|used)/.test(error.message);
    if (!isTaken || part === 240) throw error;
    return createNetwork(name, part + 16);
  }
}

const containerOf = (name: string) => nodeOf(cluster, name).container;
const addresses = () => Object.fromEntries(cluster.nodes.map(({ name, ip }) => [name, ip]));

const networksSchema = z.record(
  z.string(),
  z.object({ IPAddress: z.string(), Aliases: z.array(z.string()).nullable() }),
);

/**
 * What the user chose of a node's connections to its other networks: aliases, and one address. Podman
 * gives a container that starts other addresses of its own choice.
 */
async function otherNetworks(name: string): Promise<Record<string, string[]>> {
  const format = "--format={{json .NetworkSettings.Networks}}";
  const answer = JSON.parse(await docker("inspect", format, containerOf(name)));
  const networks = Object.entries(networksSchema.parse(answer));
  const known = networks.filter(([network]) => [before, after].includes(network));
  return Object.fromEntries(
    known.map(([network, { IPAddress, Aliases }]) => [
      network,
      [
        ...(network === after ? [IPAddress] : []),
        ...(Aliases ?? []).filter((alias) => /^(app-|web$)/.test(alias)),
      ],
    ]),
  );
}

/** Each member's address, as a node's agent sees it. */
async function memberAddresses(name: string): Promise<Record<string, string>> {
  const schema = z.array(z.object({ Name: z.string(), Addr: z.string() }));
  const members = await getJson(`${nodeOf(cluster, name).http}/v1/agent/members`, schema);
  return Object.fromEntries(members.map(({ Name, Addr }) => [Name, Addr]));
}

/** The agents still gossip in the cluster's network, and the other networks are as they were. */
async function expectSame(old: readonly Record<string, string[]>[]) {
  for (const { name } of cluster.nodes) expect(await memberAddresses(name)).toEqual(addresses());
  expect(await Promise.all(cluster.nodes.map(({ name }) => otherNetworks(name)))).toEqual(old);
}

describe("nodes with a second network", () => {
  test("are isolated from the cluster's network", async () => {
    expect(statesIn(await fault(cluster, "isolate", "client-1", soon))["client-1"]).toBe(
      "isolated",
    );
    expect(await aliveMembers(nodeOf(cluster, "server-1").http)).toEqual(["server-1"]);
    expect(addressesIn(await fault(cluster, "heal", "", soon))).toEqual(addresses());
  });

  test("start on the cluster's network, and keep the others", async () => {
    const old = await Promise.all(cluster.nodes.map(({ name }) => otherNetworks(name)));
    expect(old[0]?.[after]).toEqual([address, "web"]);
    await fault(cluster, "kill", "server-1, client-1", soon);
    expect(addressesIn(await fault(cluster, "start", "", soon))).toEqual(addresses());
    await fault(cluster, "restart", "client-1", soon);
    await expectSame(old);
  });

  test("are upgraded on the cluster's network, and keep the others", async () => {
    const old = await Promise.all(cluster.nodes.map(({ name }) => otherNetworks(name)));
    const { exitCode, log, outputs } = await upgrade(cluster, { image: newer.image, ...soon });
    expect(exitCode, log).toBe(0);
    expect(outputs.version).toBe(newer.version);
    await expectSame(old);
  }, 120_000);
});
