/** The action `wait`: every agent sees what the job does, or the message says what there is instead. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type RunningStep, root, type StepResult } from "../../script/runner.ts";
import { ownJob } from "../support/actions.ts";
import { errorsOf } from "../support/annotations.ts";
import { nodeOf, type Up, up } from "../support/cluster.ts";
import { resolveByUdp } from "../support/consul.ts";
import { docker, engineHoldings } from "../support/engine.ts";
import { ask, credentials, query } from "../support/later-step.ts";
import { needs } from "../support/needs.ts";

type Inputs = Readonly<Record<string, string>>;

let before: string[];
beforeAll(async () => {
  before = await engineHoldings();
});
afterAll(async () => {
  expect(await engineHoldings()).toEqual(before);
});

const folder = join(root, "wait");
const start = ({ job }: Up, inputs: Inputs): RunningStep => job.start(inputs, folder);
const wait = ({ job }: Up, inputs: Inputs): Promise<StepResult> => job.main(inputs, folder);

/** A wait that must succeed. */
async function waited(cluster: Up, inputs: Inputs): Promise<StepResult> {
  const result = await wait(cluster, { timeout: "30s", ...inputs });
  expect(result.exitCode, result.log).toBe(0);
  return result;
}

/** A wait that must fail. @returns its only error */
async function failed(cluster: Up, inputs: Inputs) {
  const result = await wait(cluster, { timeout: "1s", ...inputs });
  expect(result.exitCode, result.log).toBe(1);
  const [error, ...more] = errorsOf(result);
  if (!error) throw new Error(`no error: ${result.log}`);
  expect(more).toEqual([]);
  return error;
}

/** PUTs something through a node, as a later step does. */
async function put(cluster: Up, node: string, path: string, body: string) {
  const url = `${nodeOf(cluster, node).http}${path}`;
  const answer = await ask(url, { ...credentials(cluster), body });
  expect(answer.status, answer.body).toBe(200);
}

const register = (cluster: Up, node: string, service: object) =>
  put(cluster, node, "/v1/agent/service/register", JSON.stringify(service));

const instancesSchema = z.array(z.object({ Service: z.object({ ID: z.string() }) }));

describe("an open cluster of a server and two clients", () => {
  let cluster: Up;
  let lines: string[];
  beforeAll(async () => {
    lines = [];
    const onLine = (line: string) => void lines.push(line);
    cluster = await up({ servers: "1", clients: "2" }, { ...ownJob(), onLine });
  });
  afterAll(() => cluster.down());

  const nodes = ["server-1", "client-1", "client-2"];

  async function untilSaid(step: RunningStep, words: string) {
    while (!lines.some((line) => line.includes(words))) {
      if (step.process.exitCode !== null) throw new Error(`ended before "${words}"`);
      await sleep(20);
    }
  }

  test("a service: once two instances pass, every agent answers so, by HTTP and by DNS", async () => {
    await register(cluster, "client-1", {
      Name: "web",
      ID: "web-1",
      Port: 80,
      Address: "10.1.2.3",
    });
    const step = start(cluster, { service: "web", passing: "2", timeout: "30s" });
    await untilSaid(step, "service web: 1 of 2 instances passing");
    const ttl = { Name: "alive", TTL: "10m" };
    await register(cluster, "client-2", { Name: "web", ID: "web-2", Port: 81, Check: ttl });
    await sleep(300);
    expect(step.process.exitCode).toBe(null);
    await put(cluster, "client-2", "/v1/agent/check/pass/service:web-2", "");
    const { exitCode, log, outputs } = await step.result;
    expect(exitCode, log).toBe(0);
    expect(log).toContain("service web: 2 instances passing");
    expect(JSON.parse(outputs.instances ?? "")).toEqual([
      { service: "web", id: "web-1", node: "client-1", address: "10.1.2.3", port: 80 },
      {
        service: "web",
        id: "web-2",
        node: "client-2",
        address: nodeOf(cluster, "client-2").ip,
        port: 81,
      },
    ]);
    for (const name of nodes) {
      const node = nodeOf(cluster, name);
      const path = "/v1/health/service/web?passing&stale";
      expect(await query(cluster, node, path, instancesSchema), name).toHaveLength(2);
      expect(await resolveByUdp(node.dns, "web.service.consul"), name).toHaveLength(2);
    }
  });

  test("a service that doesn't pass: who sees what, each instance's reason, and what was meant", async () => {
    const check = { Name: "port", TTL: "10m" };
    await register(cluster, "client-1", { Name: "api", ID: "api-1" });
    await register(cluster, "client-2", { Name: "api", ID: "api-2", Check: check });
    // The catalog has this output minutes later only: the check was critical before.
    const note = encodeURIComponent("connection refused");
    await put(cluster, "client-2", `/v1/agent/check/fail/service:api-2?note=${note}`, "");
    await put(cluster, "client-1", "/v1/kv/app/redy", "no\n");
    const { title, message } = await failed(cluster, {
      ...{ service: "api\nwep", passing: "2", key: "app/ready", value: "yes" },
    });
    expect(title).toBe("Timed out waiting");
    for (const part of [
      "within 1 s (service api: 1 of 2 instances passing, service wep: no instance, key",
      "\n  every agent: service api: 1 of 2 instances passing\n",
      "\n  service api: api-2 on client-2: critical: port: connection refused\n",
      "\n  service api: api-1 on client-1: passing\n",
      "\n  service wep: there is no such service; did you mean `web`?\n",
      "\n  key app/ready: there is no such key; did you mean `app/redy`?\n",
      "\nNodes that each agent sees alive:\n",
    ])
      expect(message).toContain(part);
    const other = await failed(cluster, { key: "app/redy", value: "yes" });
    expect(other.message).toContain('\n  key app/redy: its value is "no\\n"\n');
    // The white space around it does not count.
    expect((await waited(cluster, { key: "app/redy", value: "no" })).outputs.value).toBe("no\n");
  });

  test("an external node that gets well, its check, and a node that nobody knows", async () => {
    const db = (Status: string) => {
      const Check = { CheckID: "db-up", Name: "up", Status, Output: "no route to host" };
      const node = { Node: "db", Address: "10.9.9.9", Check };
      return put(cluster, "client-1", "/v1/catalog/register", JSON.stringify(node));
    };
    await db("critical");
    const { message } = await failed(cluster, { node: "db\nclient-9", check: "db-up" });
    expect(message).toContain("\n  every agent: node db: db-up critical\n");
    expect(message).toContain("\n  node db: critical: up: no route to host\n");
    expect(message).toMatch(/\n {2}node client-9: .*; did you mean `client-[12]`\?\n/);
    expect(message).toContain("\n  check db-up: db-up on db: critical: up: no route to host\n");
    await db("passing");
    await waited(cluster, { node: "db\nclient-1", check: "up\nserfHealth" });
  });

  test("a configuration entry, and a kind that Consul does not know", needs("1.5.0"), async () => {
    const entry = { Kind: "service-defaults", Name: "web", Protocol: "http" };
    await put(cluster, "client-1", "/v1/config", JSON.stringify(entry));
    await waited(cluster, { "config-entry": "service-defaults/web" });
    const missing = await failed(cluster, { "config-entry": "service-defaults/wep" });
    expect(missing.message).toContain("did you mean `web`?");
    const unknown = await failed(cluster, { "config-entry": "service-default/web", timeout: "5m" });
    expect(unknown.title).toBe("Invalid input: config-entry");
    expect(unknown.message).toContain("Did you mean `service-defaults`?");
  });

  test("an agent that exits meanwhile ends the wait at once", async () => {
    const step = start(cluster, { key: "never/set", timeout: "5m" });
    await untilSaid(step, "key never/set: not set");
    await docker("kill", nodeOf(cluster, "client-1").container);
    const result = await step.result;
    expect(result.exitCode).toBe(1);
    expect(errorsOf(result)[0]?.title).toBe("client-1 exited");
    const others = await waited(cluster, { key: "app/redy" });
    expect(others.log).toContain("client-1 is not asked: it is stopped");
  });
});

describe("a secured cluster of two datacenters", () => {
  let cluster: Up;
  beforeAll(async () => {
    const file =
      "datacenters: [{ name: east, servers: 1, clients: 1 }, { name: west, servers: 1 }]";
    const inputs = { cluster: `${file}\n`, acl: "true", tls: "true", "gossip-encryption": "true" };
    cluster = await up(inputs, ownJob());
  });
  afterAll(() => cluster.down());

  test("a key of one is waited for there, without any credentials of the job", async () => {
    await put(cluster, "west-server-1", "/v1/kv/app/ready", "yes");
    const inputs = { key: "app/ready", value: "yes" };
    const there = await waited(cluster, { ...inputs, datacenter: "west" });
    expect(there.outputs).toEqual({ instances: "[]", value: "yes" });
    const token = cluster.outputs["http-token"] ?? "";
    expect(token).not.toBe("");
    expect(there.rawLog).not.toContain(token);
    const here = await failed(cluster, inputs);
    expect(here.message).toContain("\n  every agent: key app/ready: not set\n");
    expect(here.message).toContain("key app/ready: there is no key at all");
    expect((await failed(cluster, { ...inputs, datacenter: "wets" })).message).toContain(
      "the cluster's datacenters are east, west. Did you mean `west`?",
    );
  });

  test(
    "a service of the first, and an entry that is copied to the other",
    needs("1.5.0"),
    async () => {
      await register(cluster, "east-client-1", { Name: "web", Port: 80 });
      const entry = { Kind: "service-defaults", Name: "web", Protocol: "http" };
      await put(cluster, "east-server-1", "/v1/config", JSON.stringify(entry));
      const { outputs } = await waited(cluster, {
        service: "web",
        "config-entry": "service-defaults/web",
      });
      expect(JSON.parse(outputs.instances ?? "")).toMatchObject([
        { node: "east-client-1", port: 80 },
      ]);
      await waited(cluster, { "config-entry": "service-defaults/web", datacenter: "west" });
    },
  );
});
