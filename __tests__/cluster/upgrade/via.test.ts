/** An upgrade with stops on the way. */
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { ownJob, upgrade } from "../../support/actions.ts";
import { Writer } from "../../support/clients.ts";
import { type Up, up } from "../../support/cluster.ts";
import { docker, engineHoldings } from "../../support/engine.ts";
import {
  imageWithScript,
  tagged,
  threeVersions,
  type VersionedImage,
} from "../../support/images.ts";
import { query } from "../../support/later-step.ts";
import { membersSchema } from "../../support/two-datacenters.ts";

let oldest: VersionedImage;
let middle: VersionedImage;
let newest: VersionedImage;
let cluster: Up;
let before: string[];

beforeAll(async () => {
  const [first, second, third] = await threeVersions();
  if (!first || !second || !third) throw new Error("expected three versions");
  [oldest, middle, newest] = [first, second, third];
  before = await engineHoldings();
  cluster = await up({ image: oldest.image, clients: "1" }, ownJob());
});

afterAll(async () => {
  await cluster.down();
  expect(await engineHoldings()).toEqual(before);
});

const split = (image: string) => {
  const [repository = "", tag = ""] = image.split(/:(?=[^:/]+$)/);
  return { repository, tag };
};

/** Each node's image. */
async function imagesOf({ nodes }: Up): Promise<string[]> {
  const names = nodes.map(({ container }) => container);
  return (await docker("inspect", "--format={{.Config.Image}}", ...names)).split("\n");
}

/** The order in which a step replaced nodes. */
const turnsIn = (log: string) =>
  [...log.matchAll(/(\S+) runs (\S+)/g)].map(([, node = "", version = ""]) => ({ node, version }));

test("stops in the wrong order are refused before anything is changed", async () => {
  const { repository, tag } = split(middle.image);
  const via = split(newest.image).tag;
  const { exitCode, log } = await upgrade(cluster, { image: repository, version: tag, via });
  expect(exitCode).toBe(1);
  expect(log).toContain(
    `Input \`via\` has ${newest.version} (${newest.image}) before ${middle.version} (${middle.image}), which is not newer.`,
  );
  expect(new Set(await imagesOf(cluster))).toEqual(new Set([oldest.image]));
});

test("every node is upgraded to each stop before the next, and no write is lost", async () => {
  const writer = new Writer(cluster);
  const { repository, tag } = split(newest.image);
  const via = split(middle.image).tag;
  const result = await upgrade(cluster, { image: repository, version: tag, via });
  expect(result.exitCode, result.log).toBe(0);
  expect(await writer.missing()).toEqual([]);

  const turns = turnsIn(result.log);
  expect(turns.map(({ version }) => version)).toEqual([
    ...Array<string>(4).fill(middle.version),
    ...Array<string>(4).fill(newest.version),
  ]);
  for (const stop of [turns.slice(0, 4), turns.slice(4)])
    expect(stop.map(({ node }) => node).toSorted()).toEqual([
      "client-1",
      "server-1",
      "server-2",
      "server-3",
    ]);
  expect(result.log.match(/^::group::Upgrade.*$/gm)).toEqual([
    `::group::Upgrade to ${middle.version}, 1 of 2`,
    `::group::Upgrade to ${newest.version}, 2 of 2`,
  ]);
  expect(result.log).not.toContain("::warning");

  expect(new Set(await imagesOf(cluster))).toEqual(new Set([newest.image]));
  for (const node of cluster.nodes)
    for (const { Tags } of await query(cluster, node, "/v1/agent/members", membersSchema))
      expect(Tags.build, node.name).toMatch(tagged(newest.version));
  const { version, snapshot, leader, nodes = "" } = result.outputs;
  expect(version).toBe(newest.version);
  expect(snapshot).toMatch(/^\/.*\.snap$/);
  expect(leader).toMatch(/^server-\d$/);
  expect(z.array(z.unknown()).parse(JSON.parse(nodes))).toHaveLength(4);
  expect(Number(result.outputs["downtime-ms"])).toBeGreaterThan(0);
}, 180_000);

test("a failure says at which stop, and the cluster stays as it is", async () => {
  const script = `#!/consul/sh
if [ "$*" = version ]; then echo "Consul v99.0.0"; else exec /bin/consul "$@"; fi
`;
  const image = await imageWithScript("late", oldest.image, script);
  const via = `via-${split(newest.image).tag}`;
  await docker("tag", newest.image, `${split(image).repository}:${via}`);
  const failed = await upgrade(cluster, { image, via, timeout: "10s" });
  const { exitCode, log, outputs, summary } = failed;
  expect(exitCode).toBe(1);
  const turns = turnsIn(log);
  expect(turns.map(({ version }) => version)).toEqual(Array<string>(4).fill(newest.version));
  const [first = ""] = turns.map(({ node }) => node);
  expect(log).toMatch(
    /::error title=.*::The upgrade to 99\.0\.0, 2 of 2 failed\. server-\d did not come/,
  );
  expect(first).toMatch(/^server-/);
  expect((await imagesOf(cluster)).filter((each) => each === image)).toHaveLength(1);
  expect(outputs.version).toBeUndefined();
  expect(Number(outputs["downtime-ms"])).toBeGreaterThan(0);
  expect(summary).toContain("**The upgrade failed: ");
  expect(summary).toMatch(/^agent server-\d not finished :crit, \d+, \d+$/m);
  expect(summary).toMatch(/^\| server-1 \| (running|exited with code \d+) \|/m);
}, 120_000);
