/** Rolling upgrades between two versions of Consul while clients read and write. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { apisIn, fault, ownJob, upgrade } from "../../support/actions.ts";
import { errorsOf } from "../../support/annotations.ts";
import { Writer } from "../../support/clients.ts";
import { nodeOf, type Up, up } from "../../support/cluster.ts";
import { getJson, httpGet, resolveByUdp } from "../../support/consul.ts";
import { filesIn } from "../../support/container-files.ts";
import { docker, engineHoldings } from "../../support/engine.ts";
import { grpcMediaType } from "../../support/grpc.ts";
import {
  imageWithScript,
  rebuilt,
  tagged,
  twoVersions,
  type VersionedImage,
} from "../../support/images.ts";
import { ask, credentials, query, secretFile } from "../../support/later-step.ts";
import { isFrom, needsBefore } from "../../support/needs.ts";

const allServers = ["server-1", "server-2", "server-3"];

let older: VersionedImage;
let newer: VersionedImage;
let before: string[];

beforeAll(async () => {
  [older, newer] = await twoVersions();
  before = await engineHoldings();
});

// However an upgrade ended, the main action's post step removes everything.
afterAll(async () => {
  expect(await engineHoldings()).toEqual(before);
});

/** Each node's image and container ID. */
async function containersOf({ nodes }: Up): Promise<Record<string, { id: string; image: string }>> {
  const answers = nodes.map(async ({ name, container }) => {
    const answer = await docker("inspect", "--format={{.Id}} {{.Config.Image}}", container);
    const [id = "", image = ""] = answer.split(" ");
    // Podman's answer has the registry that it assumes.
    return [name, { id, image: image.replace(/^(docker\.io|localhost)\//, "") }] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

const membersSchema = z.array(z.object({ Tags: z.object({ build: z.string() }) }));
const selfSchema = z.object({
  DebugConfig: z.object({ Version: z.string(), VersionPrerelease: z.string() }),
});

/** Every version that any agent reports for itself or for another member, as member tags have it. */
async function versionsIn(up: Up): Promise<string[]> {
  const answers = up.nodes.map(async ({ http }) => {
    const get = async (path: string) => (await ask(`${http}${path}`, credentials(up))).body;
    const members = membersSchema.parse(JSON.parse(await get("/v1/agent/members")));
    const { DebugConfig } = selfSchema.parse(JSON.parse(await get("/v1/agent/self")));
    const own = `${DebugConfig.Version}${DebugConfig.VersionPrerelease}`;
    return [own, ...members.map(({ Tags }) => Tags.build.replace(/[:+].*/, ""))];
  });
  return [...new Set((await Promise.all(answers)).flat())];
}

const raftSchema = z.object({
  Servers: z.array(z.object({ Node: z.string(), Leader: z.boolean() })),
});

/** The servers in the order in which they are upgraded, the leader last. */
async function turns(up: Up): Promise<string[]> {
  const { http } = nodeOf(up, "server-1");
  const { body } = await ask(`${http}/v1/operator/raft/configuration`, credentials(up));
  const leader = raftSchema.parse(JSON.parse(body)).Servers.find(({ Leader }) => Leader)?.Node;
  return [...allServers.filter((name) => name !== leader), leader ?? ""];
}

/** A client that asks every node for a service's passing instances and uses the first answer. */
class Probe {
  rounds = 0;
  /** Milliseconds from the start of a round without an answer to that of the next one with an answer. */
  longestGap = 0;
  readonly #up: Up;
  readonly #path: string;
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(up: Up, service: string) {
    this.#up = up;
    this.#path = `/v1/health/service/${service}?stale&passing`;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    // A busy machine makes rounds slow: only those without an answer count.
    let unansweredSince: number | undefined;
    for (; !this.#isOver; await sleep(20)) {
      const started = performance.now();
      const isAnswered = await this.#isAnswered();
      if (!isAnswered) unansweredSince ??= started;
      const gap = started - (unansweredSince ?? started);
      this.longestGap = Math.max(this.longestGap, gap);
      if (isAnswered) {
        this.rounds++;
        unansweredSince = undefined;
      }
    }
  }

  async #isAnswered(): Promise<boolean> {
    const signal = AbortSignal.timeout(500);
    const answers = this.#up.nodes.map(async ({ http }) => {
      const text = await (await fetch(`${http}${this.#path}`, { signal })).text();
      if (!text.includes('"Service"')) throw new Error(text);
    });
    return Promise.any(answers).then(
      () => true,
      () => false,
    );
  }
}

describe("an open cluster", () => {
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up({ image: older.image, clients: "2" }, ownJob());
    const service = { method: "PUT", body: JSON.stringify({ Name: "web", Port: 80 }) };
    for (const node of ["client-1", "client-2"]) {
      const { http } = nodeOf(cluster, node);
      expect((await fetch(`${http}/v1/agent/service/register`, service)).status).toBe(200);
    }
  });
  afterAll(() => cluster.down());

  test("a cluster or an image that does not allow an upgrade is refused before anything is changed", async () => {
    const old = await containersOf(cluster);
    const scripts = { hello: "echo hello", unknown: "echo no such command >&2; exit 1" };
    for (const [name, script] of Object.entries(scripts)) {
      const image = await imageWithScript(name, older.image, `#!/consul/sh\n${script}\n`);
      const { exitCode, log } = await upgrade(cluster, { image });
      expect({ exitCode, log }, name).toMatchObject({
        exitCode: 1,
        log: expect.stringContaining("Check that it is a Consul image"),
      });
    }
    await fault(cluster, "kill", "client-2", { wait: "false" });
    const { exitCode, log } = await upgrade(cluster, { image: newer.image, timeout: "10s" });
    expect(exitCode).toBe(1);
    expect(log).toContain("An upgrade needs every node running, but client-2 is stopped.");
    await fault(cluster, "start");
    expect(await containersOf(cluster)).toEqual(old);
  });

  test("every container is replaced and keeps its data, and clients are served throughout", async () => {
    const old = await containersOf(cluster);
    const expected = [...(await turns(cluster)), "client-1", "client-2"];
    const writer = new Writer(cluster);
    const probe = new Probe(cluster, "web");
    const result = await upgrade(cluster, { image: newer.image });
    expect(result.exitCode, result.log).toBe(0);
    const web = `${nodeOf(cluster, "server-1").http}/v1/health/service/web?passing`;
    expect(await getJson(web, z.array(z.unknown()))).toHaveLength(2);
    await probe.stop();
    expect(await writer.missing()).toEqual([]);

    for (const [node, { id, image }] of Object.entries(await containersOf(cluster))) {
      expect(image, node).toBe(newer.image);
      expect(id, node).not.toBe(old[node]?.id);
    }
    expect(await versionsIn(cluster)).toEqual([tagged(newer.version)]);
    expect(apisIn(result)).toEqual(apisIn(cluster.result));
    const client = nodeOf(cluster, "client-1");
    expect(await resolveByUdp(client.dns, "client-1.node.consul")).toEqual([client.ip]);
    expect(await grpcMediaType(client.grpc)).toBe("application/grpc");
    // A shell can read the file by itself; the image may have no other tools.
    const hosts = 'while read -r line; do echo "$line"; done </etc/hosts';
    const known = new RegExp(`^${cluster.outputs["host-address"]}\\s+host.docker.internal`, "m");
    expect(await docker("exec", client.container, "sh", "-c", hosts)).toMatch(known);
    const order = [...result.log.matchAll(/(\S+) runs /g)].map(([, node]) => node);
    expect(order).toEqual(expected);

    const handsOver = isFrom("1.15.0") ? [expected[2]] : [];
    const handedOver = [...result.log.matchAll(/(\S+) handed over to another leader/g)];
    expect(handedOver.map(([, node]) => node)).toEqual(handsOver);

    const { snapshot = "", version, "downtime-ms": downtime } = result.outputs;
    expect(version).toBe(newer.version);
    expect(result.summary).toContain(`### Consul: upgrade to ${newer.version}\n`);
    expect(result.summary).toContain(`; the slowest write took ${downtime} ms.`);
    const drawn = [
      ...result.summary.matchAll(/^agent (\S+?)(?: \(leader\))?, [\d.]+ s :\d+, \d+$/gm),
    ];
    expect(drawn.map(([, node]) => node)).toEqual(expected);
    expect(Number(downtime)).toBeGreaterThan(0);
    expect(statSync(snapshot).mode & 0o777).toBe(0o600);
    expect(readFileSync(snapshot).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    const { http } = nodeOf(cluster, "server-1");
    expect(await getJson(`${http}/v1/kv/?keys`, z.array(z.string()))).not.toContainEqual(
      expect.stringContaining("upgrade"),
    );
    expect(probe.rounds).toBeGreaterThan(20);
    expect(probe.longestGap).toBeLessThan(1000);
  }, 120_000);
});

/** Listens on a port as soon as nobody else does. */
async function takeWhenFree(port: number): Promise<Server> {
  for (;;) {
    const server = createServer().listen(port, "127.0.0.1");
    const isTaken = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (isTaken) return server;
    await sleep(5);
  }
}

describe("a single server", () => {
  test("with its data in memory is refused", async () => {
    const cluster = await up({ image: older.image, servers: "1" }, ownJob());
    try {
      const old = await containersOf(cluster);
      const { exitCode, log } = await upgrade(cluster, { image: newer.image });
      expect(exitCode).toBe(1);
      expect(log).toContain("server-1 keeps its data in memory");
      expect(await containersOf(cluster)).toEqual(old);
    } finally {
      await cluster.down();
    }
  });

  /** An upgrade during which somebody takes the server's port. `start` then brings the server back. */
  async function failOnTakenPort(cluster: Up): Promise<void> {
    const { http } = nodeOf(cluster, "server-1");
    const taken = takeWhenFree(Number(new URL(http).port));
    const failed = await upgrade(cluster, { image: await rebuilt(newer.image) });
    const other = await taken;
    other.close();
    await once(other, "close");
    expect(failed.exitCode).toBe(1);
    const [error] = errorsOf(failed);
    expect(error?.title).toBe("server-1 could not be replaced");
    const holder = `used by the process ${process.pid} (${basename(process.execPath)})`;
    expect(error?.message).toContain(`server-1: http at port ${new URL(http).port}, ${holder}`);
    expect(apisIn(await fault(cluster, "start"))).toEqual(apisIn(cluster.result));
  }

  test("on disk keeps its data, after a failed upgrade and in a downgrade, which must be forced", async () => {
    const inputs = { image: newer.image, servers: "1", storage: "disk" };
    const cluster = await up(inputs, ownJob());
    try {
      const key = `${cluster.outputs["http-address"]}/v1/kv/greeting`;
      await fetch(key, { method: "PUT", body: "hello" });
      await failOnTakenPort(cluster);
      const old = await containersOf(cluster);
      const refused = await upgrade(cluster, { image: older.image });
      expect(refused.exitCode).toBe(1);
      const reason = `The cluster runs Consul ${newer.version}, and ${older.version} is older.`;
      expect(refused.log).toContain(reason);
      expect(await containersOf(cluster)).toEqual(old);

      const forced = await upgrade(cluster, { image: older.image, force: "true" });
      expect(forced.exitCode, forced.log).toBe(0);
      expect(forced.outputs.version).toBe(older.version);
      expect(await httpGet(`${key}?raw`)).toBe("hello");
      expect(await versionsIn(cluster)).toEqual([tagged(older.version)]);
    } finally {
      await cluster.down();
    }
  }, 120_000);
});

describe("an upgrade that fails", () => {
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up({ image: older.image, acl: "true" }, ownJob());
  });
  afterAll(() => cluster.down());

  /** The nodes that still run the old image. */
  async function untouched(): Promise<string[]> {
    const now = Object.entries(await containersOf(cluster));
    return now.filter(([, { image }]) => image === older.image).map(([node]) => node);
  }

  /** The rules of the policy of a node's own token. Before 1.5, its token has none. */
  async function rulesOf(node: string): Promise<string | undefined> {
    const there = nodeOf(cluster, allServers.find((each) => each !== node) ?? "");
    const listed = z.array(z.object({ Name: z.string(), ID: z.string() }));
    const policies = await query(cluster, there, "/v1/acl/policies", listed);
    const id = policies.find(({ Name }) => Name === `agent-${node}`)?.ID;
    if (id === undefined) return undefined;
    const schema = z.object({ Rules: z.string() });
    return (await query(cluster, there, `/v1/acl/policy/${id}`, schema)).Rules;
  }

  // Consul 1.11 has no such tokens.
  test(
    "before it begins, because a token would become invalid",
    needsBefore("1.11.0"),
    async () => {
      const api = `${cluster.outputs["http-address"]}/v1/acl`;
      const token = { Name: "app", Type: "client", Rules: 'key "app" { policy = "read" }' };
      const known = credentials(cluster);
      const { body } = await ask(`${api}/create`, { ...known, body: JSON.stringify(token) });
      const image = await imageWithScript(
        "v1.22",
        older.image,
        "#!/consul/sh\necho Consul v1.22.0\n",
      );
      const { exitCode, log } = await upgrade(cluster, { image });
      const { ID } = z.object({ ID: z.string() }).parse(JSON.parse(body));
      await ask(`${api}/destroy/${ID}`, { ...known, body: "" });
      expect(exitCode).toBe(1);
      // Before 1.5, agents' tokens are among them.
      expect(log).toMatch(/The cluster has legacy ACL tokens \((\S+, )*app(, \S+)*\)/);
      expect(await untouched()).toEqual(allServers);
    },
  );

  test("because a node never reports that version: the node and the condition are named", async () => {
    const [first = "", ...others] = await turns(cluster);
    const script = `#!/consul/sh
if [ "$*" = version ]; then echo "Consul v${newer.version}"; else exec /bin/consul "$@"; fi
`;
    const image = await imageWithScript("pretender", older.image, script);
    const { exitCode, log } = await upgrade(cluster, { image, timeout: "10s" });
    expect(exitCode).toBe(1);
    expect(log).toContain(`${first} did not come back as Consul ${newer.version} within 10 s`);
    expect(log).toContain(`every server sees ${first} run version ${newer.version}`);
    expect(await untouched()).toEqual(others.toSorted());
  });

  test("because an agent exits: its name and last lines, with the configuration of its version", async () => {
    const [first = "", ...others] = await turns(cluster);
    // On the other side of every name that Consul changed, but not where the legacy tokens of 1.4 are refused.
    const [version = "", ...names] =
      isFrom("1.5.0") && !isFrom("1.17.0")
        ? ["2.1.0", "dns", "initial_management"]
        : ["1.10.12", "default", "master"];
    const script = `#!/consul/sh
if [ "$*" = version ]; then echo "Consul v${version}"; exit; fi
while read -r name _; do
  name=\${name#?}
  case \${name%%\\"*} in default | dns | master | initial_management) echo "told \${name%%\\"*}" ;; esac
done </consul/security/agent.json
echo 'bad luck'
exit 3
`;
    const image = await imageWithScript("unlucky", older.image, script);
    const result = await upgrade(cluster, { image, force: "true" });
    expect(result.exitCode).toBe(1);
    const isBack = isFrom(version);
    const warning = isBack ? "Forced downgrade" : "The upgrade skips too many versions";
    expect(result.log).toContain(`::warning title=${warning}::`);
    expect(result.log).toContain(`${first} exited (exit code 3).%0A`);
    const lines = [...names.map((name) => `told ${name}`), "bad luck"].join("%0A  ");
    expect(result.log).toContain(`%0ALast lines of ${first}'s log:%0A  ${lines}`);
    expect(await untouched()).toEqual(others.toSorted());

    const groups = result.log.match(/^::group::.*(exited|running).*$/gm);
    const states = [
      `${first} exited with code 3`,
      ...others.toSorted().map((node) => `${node} running`),
    ];
    expect(groups).toEqual(states.map((state) => `::group::${state}`));
    expect(result.rawLog).not.toContain(cluster.outputs["http-token"]);
    for (const node of others) {
      const leader = await ask(
        `${nodeOf(cluster, node).http}/v1/status/leader`,
        credentials(cluster),
      );
      expect(JSON.parse(leader.body), node).not.toBe("");
    }
    // Agents ask for feature gates from 2.1 on.
    const asksForGates = isFrom("2.1.0") || version === "2.1.0";
    const rules = await rulesOf(first);
    if (!isFrom("1.5.0")) expect(rules).toBeUndefined();
    else if (asksForGates) expect(rules).toContain('operator = "read"');
    else expect(rules).toMatch(/^node(?!.*operator)/);
  });
});

/** Every secret in the agents' configuration. */
async function secretsOf({ nodes }: Up): Promise<string[]> {
  const schema = z.object({
    encrypt: z.string(),
    acl: z.object({ tokens: z.record(z.string(), z.string()) }),
  });
  const answers = nodes.map(async ({ container }) => {
    const text = await secretFile(container, "agent.json");
    const { encrypt, acl } = schema.parse(JSON.parse(text));
    return [encrypt, ...Object.values(acl.tokens)];
  });
  return [...new Set((await Promise.all(answers)).flat())];
}

/** Every file of an agent's secrets, with its mode, owner and checksum. */
async function secretsIn(container: string): Promise<string> {
  const files = await filesIn(container, "/consul/security");
  const lines = files.map(({ name, attrs, data = new Uint8Array() }) => {
    const mode = (Number.parseInt(attrs?.mode ?? "", 8) & 0o777).toString(8);
    const checksum = createHash("sha256").update(data).digest("hex");
    return `${basename(name)} ${mode} ${attrs?.uid}:${attrs?.gid} ${checksum}`;
  });
  return lines.sort().join("\n");
}

test("a secured cluster stays secured: same address, same files for the same users, no secret logged", async () => {
  const switches = { acl: "true", tls: "true", "gossip-encryption": "true" };
  const cluster = await up({ image: older.image, clients: "1", ...switches }, ownJob());
  try {
    const files = () => Promise.all(cluster.nodes.map(({ container }) => secretsIn(container)));
    const old = await files();
    expect(old[0]).toMatch(/^agent\.json 400 /m);
    const writer = new Writer(cluster);
    const result = await upgrade(cluster, { image: newer.image });
    expect(result.exitCode, result.log).toBe(0);
    expect(await writer.missing()).toEqual([]);
    expect(await versionsIn(cluster)).toEqual([tagged(newer.version)]);
    expect(await files()).toEqual(old);
    for (const secret of await secretsOf(cluster)) expect(result.rawLog).not.toContain(secret);

    const url = `${cluster.outputs["http-address"]}/v1/agent/self`;
    expect(url).toMatch(/^https:/);
    const { token: _, ...stranger } = credentials(cluster);
    expect((await ask(url, credentials(cluster))).status).toBe(200);
    expect((await ask(url, stranger)).status).toBe(403);
  } finally {
    await cluster.down();
  }
}, 120_000);
