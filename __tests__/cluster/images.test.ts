/** Images whose entrypoint or programs differ from those of today's official one. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import { addressesIn, fastTimers, fault, ownJob, statesIn } from "../support/actions.ts";
import { nodeOf, type Up, up } from "../support/cluster.ts";
import { getJson } from "../support/consul.ts";
import { docker, ownContainers, testImage } from "../support/engine.ts";
import { imageThatIgnores, imageWithVersion, ubiImage } from "../support/images.ts";
import { testVersion } from "../support/needs.ts";

const folders = ["CONSUL_DATA_DIR", "CONSUL_CONFIG_DIR"];
const user = ["CONSUL_UID", "CONSUL_GID"];

const today = () => imageThatIgnores("today", []);
const before2021 = () => imageThatIgnores("before-2021", user);
const before2019 = () => imageThatIgnores("before-2019", [...folders, ...user]);

const selfSchema = z.object({
  DebugConfig: z.object({
    DataDir: z.string(),
    BindAddr: z.string(),
    ClientAddrs: z.array(z.string()),
    NodeMeta: z.record(z.string(), z.string()),
  }),
});

const containerOf = (cluster: Up, node: string) => nodeOf(cluster, node).container;

/** Files that a node's volumes hold in a folder, whether the node runs or not. */
async function filesOf(cluster: Up, node: string, folder: string): Promise<string[]> {
  const volumes = ["--network=none", `--volumes-from=${containerOf(cluster, node)}`, "--user=0"];
  const command = ["--entrypoint=find", testImage(), folder, "-type", "f"];
  const said = await docker("run", "--rm", ...volumes, ...command);
  return said.split("\n").filter((line) => line !== "");
}

/** Owners of the agent's process, key file, and data directory, as `uid:gid`. */
async function ownersOf(cluster: Up, node: string): Promise<string[]> {
  const script = `stat -c %u:%g /proc/$(pidof consul) /consul/security/agent.json /srv/consul`;
  const command = ["--user=0", containerOf(cluster, node), "sh", "-c", script];
  return (await docker("exec", ...command)).split("\n");
}

describe.each([
  ["today's entrypoint", today, ["CONSUL_UID=4444", "CONSUL_GID=5555"]],
  ["an entrypoint from before September 2021", before2021, []],
  ["an entrypoint from before September 2019", before2019, []],
  ["an image with `-ubi`", ubiImage, []],
])("the official image's variables, with %s", (_, imageOf, userLines) => {
  let cluster: Up;
  beforeAll(async () => {
    const lines = [
      "CONSUL_BIND_INTERFACE=eth0",
      "CONSUL_CLIENT_INTERFACE=eth0",
      "CONSUL_DATA_DIR=/srv/consul",
      "CONSUL_CONFIG_DIR=/etc/app",
      ...userLines,
    ];
    const inputs = { servers: "1", clients: "1", storage: "disk", "gossip-encryption": "true" };
    const image = await imageOf();
    cluster = await up({ ...inputs, image, config: fastTimers, env: lines.join("\n") }, ownJob());
  });
  afterAll(() => cluster.down());

  test("do what they say", async () => {
    for (const { http, ip } of cluster.nodes)
      expect((await getJson(`${http}/v1/agent/self`, selfSchema)).DebugConfig).toMatchObject({
        DataDir: "/srv/consul",
        BindAddr: ip,
        ClientAddrs: [ip],
        NodeMeta: { folder: "yes" },
      });
  });

  test("leave files and data directory to the agent's user", async () => {
    for (const { name } of cluster.nodes) {
      const [agent, ...others] = await ownersOf(cluster, name);
      expect(agent).toMatch(userLines.length > 0 ? /^4444:5555$/ : /^100:\d+$/);
      expect(others).toEqual([agent, agent]);
    }
  });

  test("and the data is where `remove-data` removes it", async () => {
    await fault(cluster, "kill", "client-1");
    expect(await filesOf(cluster, "client-1", "/srv/consul")).toContain("/srv/consul/node-id");
    expect(await filesOf(cluster, "client-1", "/consul/data")).toEqual([]);
    await fault(cluster, "remove-data", "client-1");
    expect(await filesOf(cluster, "client-1", "/srv/consul")).toEqual([]);
    await fault(cluster, "start", "client-1");
    expect(await filesOf(cluster, "client-1", "/srv/consul")).toContain("/srv/consul/node-id");
  });
});

describe("CONSUL_UID and CONSUL_GID", () => {
  test.each([
    ["before September 2021", before2021],
    ["with `-ubi`", ubiImage],
  ])("are refused with an image %s, before anything starts", async (_, imageOf) => {
    const image = await imageOf();
    const env = "CONSUL_UID=4444\nCONSUL_GID=5555";
    await expect(up({ image, servers: "1", env })).rejects.toThrow(
      /Input `env` sets CONSUL_UID=4444 and CONSUL_GID=5555, but the entrypoint of \S+ runs Consul as user 100, group \d+ all the same\. Omit the variables/,
    );
    expect(await ownContainers()).toEqual([]);
  });

  test("are no problem if the image has that user anyway", async () => {
    const cluster = await up({ image: await before2021(), servers: "1", env: "CONSUL_UID=100" });
    await cluster.down();
  });
});

/** The image under test under one of HashiCorp's names, which hardly anyone pulls by hand. */
async function officialImage(): Promise<string> {
  const release = testVersion();
  const image = `public.ecr.aws/docker/library/consul:${release}`;
  const isThere = await docker("image", "inspect", image).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await docker("tag", await imageWithVersion(release), image);
    onTestFinished(async () => void (await docker("rmi", image)));
  }
  return image;
}

test("no container is needed to tell what HashiCorp's own images run, unless it makes certificates", async () => {
  const inputs = { image: await officialImage(), servers: "1", clients: "1", storage: "disk" };
  const since = Date.now();
  const cluster = await up({ ...inputs, acl: "true", "gossip-encryption": "true" });
  const filters = [
    "type=container",
    "event=create",
    `label=consul-cluster-action.cluster=${cluster.outputs["cluster-id"]}`,
  ].map((filter) => `--filter=${filter}`);
  const times = [`--since=${since / 1000}`, `--until=${Date.now() / 1000}`];
  const created = await docker(
    "events",
    ...times,
    ...filters,
    "--format={{.Actor.Attributes.name}}",
  );
  expect(created.split("\n").sort()).toEqual(
    cluster.nodes.map(({ container }) => container).sort(),
  );
  await cluster.down();
});

test("an interface that agents do not have ends the start, and the message names it", async () => {
  const env = "CONSUL_CLIENT_INTERFACE=eth7";
  await expect(up({ servers: "1", env })).rejects.toThrow("no-IPv4-address-on-eth7");
});

describe("an image with `-ubi` and all switches", () => {
  let cluster: Up;
  beforeAll(async () => {
    const switches = { acl: "true", "gossip-encryption": "true", tls: "true" };
    const inputs = { servers: "1", clients: "1", storage: "disk", config: fastTimers };
    cluster = await up({ ...switches, ...inputs, image: await ubiImage() }, ownJob());
  });
  afterAll(() => cluster.down());

  test("has no `ip`", async () => {
    const command = ["sh", "-c", "command -v ip || id -u"];
    expect(await docker("exec", containerOf(cluster, "client-1"), ...command)).toBe("100");
  });

  test("isolates and heals without it", async () => {
    const isolated = statesIn(await fault(cluster, "isolate", "client-1"));
    expect(isolated).toEqual({ "server-1": "running", "client-1": "isolated" });
    const healed = await fault(cluster, "heal");
    expect(statesIn(healed)).toEqual({ "server-1": "running", "client-1": "running" });
    expect(addressesIn(healed)).toEqual(
      Object.fromEntries(cluster.nodes.map(({ name, ip }) => [name, ip])),
    );
  });

  test("restarts and removes data", async () => {
    await fault(cluster, "kill", "client-1");
    await fault(cluster, "remove-data", "client-1");
    expect(await filesOf(cluster, "client-1", "/consul/data")).toEqual([]);
    expect(statesIn(await fault(cluster, "start"))["client-1"]).toBe("running");
  });
});
