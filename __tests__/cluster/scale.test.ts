/** The action `scale`: a cluster grows and shrinks while its job goes on. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { root, type StepResult } from "../../script/runner.ts";
import { apisIn, fastTimers, ownJob, statesIn } from "../support/actions.ts";
import { errorsOf } from "../support/annotations.ts";
import { nodeOf, nodeSchema, type Up, up } from "../support/cluster.ts";
import {
  aliveMembers,
  catalogNodes,
  getJson,
  httpGet,
  resolveByUdp,
  voters,
} from "../support/consul.ts";
import { docker, engineHoldings } from "../support/engine.ts";
import { query, secretFile } from "../support/later-step.ts";
import { isFrom } from "../support/needs.ts";

let before: string[];
beforeEach(async () => {
  before = await engineHoldings();
});
afterEach(async () => {
  expect(await engineHoldings()).toEqual(before);
});

async function scale({ job }: Pick<Up, "job">, inputs: Readonly<Record<string, string>>) {
  const result = await job.main(inputs, join(root, "scale"));
  expect(result.exitCode, result.log).toBe(0);
  return result;
}

const namesIn = ({ outputs }: StepResult, name: "added" | "removed") =>
  z.array(z.string()).parse(JSON.parse(outputs[name] ?? ""));

/** The cluster with the nodes that a step reports. */
const withNodes = (cluster: Up, { outputs }: StepResult): Up => {
  const nodes = z.array(nodeSchema).parse(JSON.parse(outputs.nodes ?? ""));
  return { ...cluster, nodes };
};

const metaSchema = z.object({ Node: z.object({ Meta: z.record(z.string(), z.string()) }) });

/** A file with settings for agents that are not there at the start. */
const file = `
client_config: { node_meta: { kind: client } }
config: { services: [{ name: everywhere }] }
`;

test("an open cluster grows and shrinks: the nodes are as at a start, and gone afterwards", async () => {
  const inputs = { cluster: file, servers: "1", storage: "disk", config: fastTimers };
  const lines: string[] = [];
  const cluster = await up(inputs, { ...ownJob(), onLine: (line) => lines.push(line) });
  const { CONSUL_HTTP_ADDR = "" } = cluster.result.env;
  const larger = await scale(cluster, { servers: "2", clients: "2" });
  const all = ["client-1", "client-2", "server-1", "server-2"];
  expect(namesIn(larger, "added")).toEqual(["server-2", "client-1", "client-2"]);
  expect(namesIn(larger, "removed")).toEqual([]);
  const apis = apisIn(larger);
  expect(larger.outputs["client-address"]).toBe(apis["client-1"]?.http);
  expect(await voters(CONSUL_HTTP_ADDR)).toEqual(["server-1", "server-2"]);
  for (const name of all) {
    const http = apis[name]?.http ?? "";
    expect(await aliveMembers(http), name).toEqual(all);
    expect(await catalogNodes(http), name).toEqual(all);
  }
  const { Node } = await getJson(`${CONSUL_HTTP_ADDR}/v1/catalog/node/client-2`, metaSchema);
  expect(Node.Meta.kind).toBe("client");
  const grown = withNodes(cluster, larger);
  const { ip, container } = nodeOf(grown, "client-2");
  expect(await resolveByUdp(cluster.outputs["dns-address"] ?? "", "client-2.node.consul")).toEqual([
    ip,
  ]);
  expect(await resolveByUdp(apis["client-2"]?.dns ?? "", "server-2.node.consul")).toHaveLength(1);

  // Neither nodes nor outputs change if the cluster has that size.
  const same = await scale(cluster, { servers: "2", clients: "2" });
  expect([namesIn(same, "added"), namesIn(same, "removed")]).toEqual([[], []]);
  expect(apisIn(same)).toEqual(apis);
  expect(same.log).toContain("Datacenter dc1 now has 2 servers (server-1, server-2)");

  const volumes = await docker("container", "inspect", "--format={{json .Mounts}}", container);
  const smaller = await scale(cluster, { servers: "1", clients: "1" });
  expect(namesIn(smaller, "removed")).toEqual(["client-2", "server-2"]);
  expect(statesIn(smaller)).toEqual({ "server-1": "running", "client-1": "running" });
  expect(smaller.outputs.leader).toBe("server-1");
  expect(await voters(CONSUL_HTTP_ADDR)).toEqual(["server-1"]);
  for (const http of [CONSUL_HTTP_ADDR, apis["client-1"]?.http ?? ""]) {
    expect(await aliveMembers(http)).toEqual(["client-1", "server-1"]);
    expect(await catalogNodes(http)).toEqual(["client-1", "server-1"]);
    await httpGet(`${http}/v1/kv/?keys&consistent&recurse`).catch((error: Error) => {
      // There are no keys, which needs a leader to say.
      expect(error.message).toContain("404");
    });
  }
  const dns = cluster.outputs["dns-address"] ?? "";
  expect(await resolveByUdp(dns, "client-2.node.consul")).toEqual([]);
  const left = (await docker("volume", "ls", "--quiet")).split("\n");
  expect(left.filter((name) => name !== "" && volumes.includes(name))).toEqual([]);

  // A step that is canceled leaves no node half added.
  lines.length = 0;
  const step = cluster.job.start({ servers: "2" }, join(root, "scale"));
  while (!lines.some((line) => line.includes("server-2 started"))) {
    if (step.process.exitCode !== null) throw new Error(`ended early:\n${(await step.result).log}`);
    await sleep(10);
  }
  step.process.kill("SIGINT");
  const canceled = await step.result;
  expect(errorsOf(canceled)).toMatchObject([{ title: "Canceled" }]);
  // What there is then takes one more look, for which a busy machine may leave no time.
  expect(errorsOf(canceled)[0]?.message).toContain("server-2 was taken away.");

  // A number that was given back can be taken again; a node that is down is named.
  expect(namesIn(await scale(cluster, { clients: "2" }), "added")).toEqual(["client-2"]);
  expect(await aliveMembers(CONSUL_HTTP_ADDR)).toEqual(["client-1", "client-2", "server-1"]);
  const kill = { action: "kill", target: "client-2", wait: "false" };
  expect((await cluster.job.main(kill, join(root, "fault"))).exitCode).toBe(0);
  const refused = await cluster.job.main({ clients: "3" }, join(root, "scale"));
  expect(errorsOf(refused)).toMatchObject([{ title: "Not all nodes are running" }]);
  expect(errorsOf(refused)[0]?.message).toContain("client-2 is stopped");
  expect((await cluster.down()).log).toContain("removed: 3 containers,");
}, 300_000);

const policiesSchema = z.array(z.object({ Name: z.string() }));

/** Up to Consul 1.4, agents have legacy tokens, which have no policies. */
const policiesOf = (...nodes: string[]) =>
  isFrom("1.5.0") ? nodes.map((node) => `agent-${node}`) : [];

test("nodes of a secured cluster get keys, certificates, and tokens of their own, and lose them", async () => {
  const security = { acl: "true", tls: "mutual", "gossip-encryption": "true" };
  const sizes = { servers: "1", clients: "0", storage: "disk", config: fastTimers };
  const cluster = await up({ ...sizes, ...security }, ownJob());
  const first = nodeOf(cluster, "server-1");
  const policies = async () => {
    const all = await query(cluster, first, "/v1/acl/policies", policiesSchema);
    return all
      .map(({ Name }) => Name)
      .filter((name) => name.startsWith("agent-"))
      .sort();
  };
  const larger = await scale(cluster, { servers: "2", clients: "1" });
  expect(larger.log).toContain("Input `servers` is 2, an even number");
  const grown = withNodes(cluster, larger);
  for (const { name } of grown.nodes) {
    const members = z.array(z.object({ Name: z.string(), Status: z.literal(1) }));
    expect(await query(grown, nodeOf(grown, name), "/v1/agent/members", members)).toHaveLength(3);
  }
  const raft = z.object({ Servers: z.array(z.object({ Voter: z.literal(true) })) });
  const { Servers } = await query(grown, first, "/v1/operator/raft/configuration", raft);
  expect(Servers).toHaveLength(2);
  expect(await policies()).toEqual(policiesOf("client-1", "server-1", "server-2"));
  const { container } = nodeOf(grown, "client-1");
  const { acl, encrypt } = z
    .object({
      encrypt: z.string(),
      acl: z.object({ tokens: z.object({ agent: z.string() }) }),
    })
    .parse(JSON.parse(await secretFile(container, "agent.json")));
  const token = cluster.outputs["http-token"] ?? "";
  for (const secret of [acl.tokens.agent, encrypt, token]) expect(larger.log).not.toContain(secret);
  const outputs = { ...cluster.outputs, "http-token": acl.tokens.agent };
  const asAgent = () =>
    query({ ...cluster, outputs }, first, "/v1/agent/members", z.array(z.unknown()));
  expect(await asAgent()).not.toEqual([]);

  const smaller = await scale(cluster, { clients: "0" });
  expect(namesIn(smaller, "removed")).toEqual(["client-1"]);
  expect(await policies()).toEqual(policiesOf("server-1", "server-2"));
  await expect(asAgent()).rejects.toThrow("answered 403");
  expect((await cluster.down()).log).toContain("removed: 2 containers,");
}, 300_000);

test("a node that exits is taken away again, and the step says why and what there is", async () => {
  const broken = "client_config: { no_such_setting: 1 }\n";
  const cluster = await up({ servers: "1", cluster: broken }, ownJob());
  const impossible = await cluster.job.main({ servers: "3" }, join(root, "scale"));
  expect(errorsOf(impossible)).toMatchObject([{ title: "Invalid input: servers" }]);
  expect(errorsOf(impossible)[0]?.message).toContain("server-1 keeps its data in memory");

  const failed = await cluster.job.main({ clients: "1" }, join(root, "scale"));
  expect(failed.exitCode).toBe(1);
  const [error] = errorsOf(failed);
  expect(error?.title).toBe("client-1 exited");
  expect(error?.message).toContain("no_such_setting");
  expect(error?.message).toContain(
    "client-1 was taken away. Datacenter dc1 now has 1 server (server-1) and 0 clients.",
  );
  expect((await cluster.down()).log).toContain("removed: 1 container,");
}, 60_000);
