import { Resolver } from "node:dns/promises";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent as SecureAgent } from "node:https";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import Consul from "consul";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { testInputs, type Up, up } from "../support/cluster.ts";
import { filesIn } from "../support/container-files.ts";
import { docker, run, testImage } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { grpcMediaType } from "../support/grpc.ts";
import { imageWithScript } from "../support/images.ts";
import { ask, consulCommand, credentials, logsOf, secretFile } from "../support/later-step.ts";
import { needs, needsBefore } from "../support/needs.ts";
import { RecordedJob } from "../support/record.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const allSwitches = { acl: "true", "gossip-encryption": "true", tls: "true" };

/** Every command line on this machine, sampled until the work is done. */
async function commandLinesDuring(work: Promise<unknown>): Promise<string> {
  const seen = new Set<string>();
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const { stdout } = await run("ps", ["-ww", "-eo", "args"], { maxBuffer: 2 ** 24 });
    for (const line of stdout.split("\n")) seen.add(line);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await done;
  return [...seen].join("\n");
}

/** Starts an agent on the cluster's network that does not belong to the cluster. */
async function stranger(cluster: Up, name: string, config: object, prepare = ":"): Promise<string> {
  const container = `stranger-${cluster.outputs["cluster-id"]}-${name}`;
  const settings = {
    node_name: name,
    data_dir: "/tmp/data",
    bind_addr: '{{ GetInterfaceIP "eth0" }}',
    retry_join: ["server-1"],
    retry_interval: "200ms",
    ...config,
  };
  const script = `cd /tmp && { ${prepare}; } && exec consul agent -hcl "$0"`;
  const network = `--network=${cluster.outputs.network}`;
  const command = [testImage(), "-c", script, JSON.stringify(settings)];
  await docker("run", "-d", `--name=${container}`, network, "--entrypoint=sh", ...command);
  return container;
}

const allLogs = async (container: string) => {
  const { stdout, stderr } = await run("docker", ["logs", container]);
  return stdout + stderr;
};

describe("all switches, three servers and a client", () => {
  let cluster: Up;
  let commandLines: string;
  let temp: string;
  const strangers: string[] = [];
  const http = () => cluster.outputs["http-address"] ?? "";
  const known = () => credentials(cluster);

  beforeAll(async () => {
    temp = mkdtempSync(join(tmpdir(), "job-"));
    const starting = up({ ...allSwitches, cli: "true", clients: "1" }, { temp, debug: true });
    commandLines = await commandLinesDuring(starting);
    cluster = await starting;
  });

  afterAll(async () => {
    await docker("rm", "-fv", ...strangers);
    await cluster.down();
    rmSync(temp, { recursive: true });
  });

  test("outputs and environment have what a client needs", () => {
    const { outputs, result } = cluster;
    expect(http()).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(outputs["http-token"]).toMatch(uuid);
    expect(readFileSync(outputs["ca-cert"] ?? "", "utf8")).toContain("BEGIN CERTIFICATE");
    expect(result.env).toEqual({
      CONSUL_HTTP_ADDR: http(),
      CONSUL_HTTP_SSL: "true",
      CONSUL_HTTP_TOKEN: outputs["http-token"],
      CONSUL_CACERT: outputs["ca-cert"],
      CONSUL_GRPC_ADDR: `https://${outputs["grpc-address"]}`,
      CONSUL_GRPC_CACERT: outputs["ca-cert"],
    });
    for (const node of cluster.nodes) expect(node.http).toMatch(/^https:/);
  });

  test("every agent syncs its node, and none is blocked by ACLs", async () => {
    const schema = z.array(
      z.object({ Node: z.string(), TaggedAddresses: z.record(z.string(), z.string()).nullish() }),
    );
    const names = cluster.nodes.map(({ name }) => name);
    await eventually(
      async () => schema.parse(JSON.parse((await ask(`${http()}/v1/catalog/nodes`, known())).body)),
      (answer) => {
        const synced = answer.filter(({ TaggedAddresses }) => TaggedAddresses?.lan);
        return names.every((name) => synced.some(({ Node }) => Node === name));
      },
    );
    expect(await logsOf(cluster)).not.toMatch(/blocked by ACLs/i);
  });

  test("the exported environment is enough for Consul's CLI", async () => {
    const consul = (...args: string[]) => consulCommand(cluster, args);
    // At once, while the program isn't there yet.
    const [members, tokens, keys] = await Promise.all([
      consul("members"),
      consul("acl", "token", "list"),
      consul("keyring", "-list"),
    ]);
    expect([members, tokens, keys].map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(members.stdout.match(/ alive /g)).toHaveLength(4);
    expect(tokens.stdout).toContain("agent-client-1");
    expect(keys.stdout).toContain("[4/4]");
    expect(members.stderr).toBe("");
    const program = join(cluster.result.path[0] ?? "", "..", "consul");
    expect(existsSync(program)).toBe(true);

    const services = await consul("catalog", "services");
    expect(services.stdout.trim()).toBe("consul");
    expect((await consul("kv", "put", "greeting", "hello")).exitCode).toBe(0);
    expect((await consul("kv", "get", "greeting")).stdout).toBe("hello\n");
    expect((await consul("kv", "get", "nothing")).exitCode).toBe(1);
    const piped = await consulCommand(cluster, ["kv", "put", "piped", "-"], { input: "a\0b\n" });
    expect(piped.exitCode).toBe(0);
    expect((await consul("kv", "get", "piped")).stdout).toBe("a\0b\n\n");
    const refused = await consulCommand(cluster, ["kv", "get", "greeting"], {
      env: { CONSUL_HTTP_TOKEN: "" },
    });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("403");
  });

  test("a service that the CLI registers from a file is found by DNS, without a token", async () => {
    const file = join(temp, "service with space.json");
    writeFileSync(file, JSON.stringify({ service: { name: "web", port: 8080 } }));
    const registered = await consulCommand(cluster, ["services", "register", file]);
    expect(registered.stdout).toBe("Registered service: web\n");
    const resolver = new Resolver();
    resolver.setServers([cluster.outputs["dns-address"] ?? ""]);
    const found = await eventually(
      () => resolver.resolveSrv("web.service.consul").catch(() => []),
      (answers) => answers.length > 0,
    );
    expect(found[0]?.port).toBe(8080);
    expect(await resolver.resolve4("client-1.node.consul")).toEqual([cluster.nodes[3]?.ip]);
  });

  test("the npm package consul works with token and CA", async () => {
    const { port } = new URL(http());
    const { token = "", ca = "" } = known();
    const client = (agent: SecureAgent) =>
      new Consul({
        host: "127.0.0.1",
        port: Number(port),
        secure: true,
        defaults: { token },
        agent,
      });
    const consul = client(new SecureAgent({ ca }));
    expect(await consul.kv.set("from-npm", "yes")).toBe(true);
    expect(await consul.kv.get("from-npm")).toMatchObject({ Value: "yes" });
    expect(await consul.catalog.node.list()).toHaveLength(4);
    await expect(client(new SecureAgent()).kv.get("from-npm")).rejects.toThrow(/certificate/);
  });

  test("every node's certificate is valid for the node's own address", async () => {
    for (const node of cluster.nodes)
      expect(JSON.parse((await ask(`${node.http}/v1/status/peers`, known())).body)).toHaveLength(3);
    const certificates = await Promise.all(
      cluster.nodes.map(({ container }) => secretFile(container, "cert.pem")),
    );
    expect(new Set(certificates).size).toBe(4);
  });

  test("every node's gRPC has TLS, on the same port", async () => {
    const { ca } = known();
    for (const { grpc, name } of cluster.nodes)
      expect(await grpcMediaType(grpc, ca), name).toBe("application/grpc");
  });

  test("agents' certificates are valid for their names", async () => {
    const [server, , , client] = cluster.nodes;
    const within = (name: string) =>
      run("docker", [
        ...["exec", client?.container ?? "", "consul", "kv", "get"],
        `-http-addr=https://${name}:8500`,
        "-token=anything",
        "x",
      ]).catch(({ stderr }: { stderr: string }) => stderr);
    // Past the certificate, it is the token that is refused.
    for (const name of ["server-1", server?.container ?? "", "client-1"])
      expect(await within(name)).toContain("403");
    expect(await within(server?.ip ?? "")).toMatch(/certificate is valid for/);
  });

  describe("refuses", () => {
    const key = () => `${http()}/v1/kv/greeting`;

    test("a request without a token", async () => {
      const { ca = "" } = known();
      expect((await ask(key(), { ca })).status).toBe(403);
      expect((await ask(key(), { ca, body: "x" })).status).toBe(403);
      expect((await ask(`${http()}/v1/acl/tokens`, { ca })).status).toBe(403);
    });

    test("a wrong token", async () => {
      const { ca = "" } = known();
      const token = "00000000-0000-4000-8000-000000000000";
      const answer = await ask(key(), { ca, token });
      expect(answer.status).toBe(403);
      expect(answer.body).toContain("ACL not found");
    });

    test("plain HTTP", async () => {
      const plain = await ask(key().replace("https:", "http:"), known());
      expect(plain.status).toBe(400);
      expect(plain.body).toContain("HTTP request to an HTTPS server");
    });

    test("a client that does not know its CA", async () => {
      const { token = "" } = known();
      await expect(ask(key(), { token })).rejects.toThrow(/certificate/);
    });

    test("an agent with another gossip key", async () => {
      const encrypt = Buffer.alloc(32, 7).toString("base64").slice(0, 44);
      const container = await stranger(cluster, "other-key", { encrypt });
      strangers.push(container);
      await eventually(
        () => allLogs(container),
        (log) => /[Jj]oin.*failed/.test(log),
      );
      const members = await consulCommand(cluster, ["members"]);
      expect(members.stdout).not.toContain("other-key");
      await eventually(
        () => allLogs(cluster.nodes[0]?.container ?? ""),
        (log) => log.includes("No installed keys could decrypt the message"),
      );
    });

    test.each([
      { name: "no-tls", prepare: ":", tls: {} },
      {
        name: "no-certificate",
        prepare: 'printf "%s" "$CA" >ca.pem',
        tls: { ca_file: "/tmp/ca.pem", verify_outgoing: true },
      },
      {
        name: "other-ca",
        prepare: "consul tls ca create >/dev/null && consul tls cert create -client >/dev/null",
        tls: {
          ca_file: "/tmp/consul-agent-ca.pem",
          cert_file: "/tmp/dc1-client-consul-0.pem",
          key_file: "/tmp/dc1-client-consul-0-key.pem",
          verify_outgoing: true,
        },
      },
    ])(
      "RPC of an agent that knows the gossip key but has: $name",
      async ({ name, prepare, tls }) => {
        const { token = "", ca = "" } = known();
        const config = z
          .object({ encrypt: z.string() })
          .parse(JSON.parse(await secretFile(cluster.nodes[0]?.container ?? "", "agent.json")));
        const { encrypt } = config;
        const withCa = prepare.replace('"$CA"', `'${ca}'`);
        const container = await stranger(cluster, name, { encrypt, ...tls }, withCa);
        strangers.push(container);
        await eventually(
          () => allLogs(container),
          (log) => log.includes("Join cluster completed") || /Join.*completed/.test(log),
        );
        // With the management token: only a certificate of this cluster is missing.
        const question = run("docker", [
          "exec",
          container,
          "consul",
          "kv",
          "get",
          `-token=${token}`,
          "x",
        ]);
        const said = await question.then(() => "an answer", String);
        // An agent of 1.4 hangs up on its caller in place of an error.
        expect(said).toMatch(/Unexpected response code: 500|: EOF/);
        const logs = await allLogs(container);
        expect(said + logs).toMatch(/tls: |x509: |EOF|connection reset|rpc error/);
      },
    );
  });

  test("agents' tokens allow no more than registering their node and reading services", async () => {
    const { ca = "", token: management = "" } = known();
    const schema = z.object({
      acl: z.object({ tokens: z.record(z.string(), z.string()) }),
    });
    const tokens = await Promise.all(
      cluster.nodes.map(async ({ container }) =>
        schema.parse(JSON.parse(await secretFile(container, "agent.json"))),
      ),
    );
    const agents = tokens.map(({ acl }) => acl.tokens.agent ?? "");
    expect(new Set(agents).size).toBe(4);
    expect(Object.values(tokens[3]?.acl.tokens ?? {})).not.toContain(management);
    const kept = await filesIn(cluster.nodes[3]?.container ?? "", "/consul/security");
    expect(
      kept.flatMap(({ name, type }) => (type === "file" ? basename(name) : [])).sort(),
    ).toEqual(["agent.json", "ca.pem", "cert.pem", "key.pem"]);

    const as = (path: string, body?: object, token = agents[3] ?? "") =>
      ask(`${http()}${path}`, {
        ca,
        token,
        ...(body && { body: JSON.stringify(body) }),
      });
    const register = (index: number) => {
      const { name, ip } = cluster.nodes[index] ?? {};
      return as("/v1/catalog/register", { Node: name, Address: ip, NodeMeta: { changed: "yes" } });
    };
    expect((await as("/v1/kv/greeting")).status).toBe(403);
    expect((await as("/v1/acl/tokens")).status).toBe(403);
    expect((await as("/v1/operator/autopilot/configuration", {})).status).toBe(403);
    expect((await register(0)).status).toBe(403);
    expect((await register(3)).status).toBe(200);
    // A server's own: later versions leave out services of nodes that a token may not read.
    const services = await as("/v1/catalog/services", undefined, agents[0]);
    expect(services.body).toContain("consul");
  });

  test("secrets are only where they must be", async () => {
    const container = cluster.nodes[0]?.container ?? "";
    const { encrypt, acl } = z
      .object({
        encrypt: z.string(),
        acl: z.object({ tokens: z.record(z.string(), z.string()) }),
      })
      .parse(JSON.parse(await secretFile(container, "agent.json")));
    const keyLine = (await secretFile(container, "key.pem")).split("\n")[1] ?? "";
    const { token = "" } = known();
    const secrets = [token, encrypt, keyLine, ...Object.values(acl.tokens)];
    // A gossip key of 16 bytes, as the first versions make it, has 24 characters.
    for (const secret of secrets) expect(secret.length).toBeGreaterThan(20);

    const { rawLog, log, summary, state, outputs } = cluster.result;
    const unmasked = rawLog.split("\n").filter((line) => !line.startsWith("::add-mask::"));
    const inspected = await docker("inspect", ...cluster.nodes.map((node) => node.container));
    const rest = { ...outputs, "http-token": "" };
    const places = {
      log,
      rawLog: unmasked.join("\n"),
      summary,
      state: JSON.stringify(state),
      outputs: JSON.stringify(rest),
      inspected,
      commandLines,
      agentLogs: await logsOf(cluster),
    };
    expect(commandLines.includes("-config-file=/consul/security/agent.json")).toBe(true);
    for (const [place, text] of Object.entries(places))
      for (const secret of secrets) expect(text.includes(secret), place).toBe(false);
    for (const secret of secrets) expect(rawLog).toContain(`::add-mask::${secret}`);

    const files = readdirSync(temp, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    expect(files.some((file) => file.includes("BEGIN CERTIFICATE"))).toBe(true);
    for (const file of files) expect(file.includes(keyLine)).toBe(false);
    const inContainer = await filesIn(container, "/consul");
    const keys = inContainer.filter(({ data = [] }) => Buffer.from(data).includes("PRIVATE KEY"));
    expect(keys.map(({ name }) => name)).toContain("consul/security/key.pem");
  });

  test("agents stay secured after a restart", async () => {
    const { container = "", http: address = "" } = cluster.nodes[2] ?? {};
    await docker("restart", "-t", "5", container);
    const answer = await eventually(
      () => ask(`${address}/v1/kv/greeting?raw`, known()).catch(() => ({ status: 0, body: "" })),
      ({ status }) => status === 200,
    );
    expect(answer.body).toBe("hello");
  });
});

describe.each([{ acl: "true" }, { "gossip-encryption": "true" }, { tls: "true" }, allSwitches])(
  "%o",
  (switches) => {
    const isOn = (name: string) => name in switches;

    test.each(["1", "3"])("%s servers", async (servers) => {
      const cluster = await up({ ...switches, servers });
      try {
        const { outputs, result, nodes } = cluster;
        const known = credentials(cluster);
        const address = outputs["http-address"] ?? "";
        expect(address).toMatch(isOn("tls") ? /^https:/ : /^http:/);
        expect(known.token !== undefined).toBe(isOn("acl"));
        expect(known.ca !== undefined).toBe(isOn("tls"));
        expect(Object.keys(result.env).sort()).toEqual(
          [
            ...(isOn("tls") ? ["CONSUL_CACERT"] : []),
            "CONSUL_GRPC_ADDR",
            ...(isOn("tls") ? ["CONSUL_GRPC_CACERT"] : []),
            "CONSUL_HTTP_ADDR",
            ...(isOn("tls") ? ["CONSUL_HTTP_SSL"] : []),
            ...(isOn("acl") ? ["CONSUL_HTTP_TOKEN"] : []),
          ].sort(),
        );
        expect((await ask(`${address}/v1/kv/k`, { ...known, body: "v" })).body.trim()).toBe("true");
        expect((await ask(`${address}/v1/kv/k?raw`, known)).body).toBe("v");
        const { token: _, ...stranger } = known;
        expect((await ask(`${address}/v1/kv/k`, stranger)).status).toBe(isOn("acl") ? 403 : 200);
        const keyring = ["exec", nodes[0]?.container ?? "", "consul", "keyring", "-list"];
        const token = known.token ? [`-token=${known.token}`] : [];
        const listing = run("docker", [...keyring, ...token]);
        if (isOn("gossip-encryption"))
          expect((await listing).stdout).toContain(`[${servers}/${servers}]`);
        else await expect(listing).rejects.toThrow("not enabled");
        expect(await logsOf(cluster)).not.toMatch(/blocked by ACLs/i);
      } finally {
        await cluster.down();
      }
    });
  },
);

test("a default token that the user sets overrides the action's", async () => {
  const config = JSON.stringify({ acl: { tokens: { default: "anonymous" } } });
  const cluster = await up({ acl: "true", servers: "1", config });
  try {
    const nodes = `${cluster.outputs["http-address"]}/v1/catalog/nodes`;
    expect((await ask(nodes)).body.trim()).toBe("[]");
    expect((await ask(nodes, credentials(cluster))).body).toContain("server-1");
  } finally {
    await cluster.down();
  }
});

// With a secret ID that the file chooses.
test("a cluster file's own default and agent tokens are not replaced", needs("1.5.0"), async () => {
  const secret = "5b1e5cf3-40d1-4d2e-9f0c-6f2c2d9f7a11";
  const cluster = await up({
    servers: "1",
    cluster: `
config: { acl: { tokens: { default: ${secret}, agent: anonymous } } }
acl:
  policies: [{ Name: reader, Rules: 'key_prefix "" { policy = "read" }' }]
  tokens: [{ SecretID: ${secret}, Policies: [{ Name: reader }] }]
kv: { a: b }
`,
  });
  try {
    const key = `${cluster.outputs["http-address"]}/v1/kv/a?raw`;
    await eventually(
      () => ask(key),
      ({ status, body }) => status === 200 && body === "b",
    );
    // The anonymous token may not register the agent's node, as the action's own may.
    await eventually(
      () => logsOf(cluster),
      (log) => /blocked by ACLs/i.test(log),
    );
  } finally {
    await cluster.down();
  }
});

describe("images", () => {
  const inTheImage = (version: string) => `#!/consul/sh
if [ "$*" = version ]; then echo "Consul v${version}"; else exec /bin/consul "$@"; fi
`;

  test("a `consul` that does not run on this machine runs in the cluster, with one notice", async () => {
    const script = '#!/consul/sh\nexec /bin/consul "$@"\n';
    const image = await imageWithScript("foreign", testImage(), script);
    const cluster = await up({ acl: "true", tls: "true", cli: "true", servers: "1", image });
    try {
      const first = await consulCommand(cluster, ["members"]);
      expect(first.exitCode).toBe(0);
      expect(first.stdout).toContain("server-1");
      expect(first.stderr).toContain("does not run on this machine");
      const put = await consulCommand(cluster, ["kv", "put", "a", "-"], { input: "piped" });
      expect(put).toMatchObject({ exitCode: 0, stderr: "" });
      expect(await consulCommand(cluster, ["kv", "get", "a"])).toMatchObject({ stdout: "piped\n" });
      const refused = await consulCommand(cluster, ["kv", "get", "a"], {
        env: { CONSUL_HTTP_TOKEN: "" },
      });
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain("403");
    } finally {
      await cluster.down();
    }
  });

  // Later versions don't know every name in the configuration of 1.4.
  test(
    "before 1.5, where a token's ID can't be chosen, agents have their tokens all the same",
    needsBefore("1.11.0"),
    async () => {
      const image = await imageWithScript("v1.4.4", testImage(), inTheImage("1.4.4"));
      const cluster = await up({ acl: "true", servers: "1", clients: "1", image });
      try {
        const address = cluster.outputs["http-address"] ?? "";
        const { body } = await ask(`${address}/v1/acl/tokens`, credentials(cluster));
        expect(body).toContain("agent-client-1");
        const nodes = () => ask(`${address}/v1/catalog/nodes`, credentials(cluster));
        await eventually(nodes, (answer) => answer.body.split('"lan"').length === 3);
        const web = JSON.stringify({ Name: "web", Port: 8080 });
        const register = `${cluster.nodes[1]?.http}/v1/agent/service/register`;
        await ask(register, { ...credentials(cluster), body: web });
        const resolver = new Resolver();
        resolver.setServers([cluster.outputs["dns-address"] ?? ""]);
        await eventually(
          () => resolver.resolveSrv("web.service.consul").catch(() => []),
          ([found]) => found?.port === 8080,
        );
        expect(await logsOf(cluster)).not.toMatch(/blocked by ACLs/i);
      } finally {
        await cluster.down();
      }
    },
  );

  test("a version without a feature is refused, and the message names the first version with it", async () => {
    const image = await imageWithScript("v1.3.1", testImage(), inTheImage("1.3.1"));
    const job = new RecordedJob();
    const { exitCode, log } = await job.main(testInputs({ ...allSwitches, servers: "1", image }));
    await job.post();
    job.dispose();
    expect(exitCode).toBe(1);
    expect(log).toMatch(/title=Invalid input%3A acl::.*Consul 1\.3\.1.*1\.4\.0/);
    expect(log).toMatch(/title=Invalid input%3A tls::.*Consul 1\.3\.1.*1\.4\.1/);
  });
});

test("after post, the CLI and the CA's certificate are gone", async () => {
  const temp = mkdtempSync(join(tmpdir(), "job-"));
  const cluster = await up({ tls: "true", cli: "true", servers: "1" }, { temp });
  expect((await consulCommand(cluster, ["members"])).exitCode).toBe(0);
  const folder = join(temp, "runner", `consul-${cluster.outputs["cluster-id"]}`);
  expect(readdirSync(folder).sort()).toEqual(["bin", "ca.pem", "consul"]);
  await cluster.down();
  expect(existsSync(folder)).toBe(false);
  rmSync(temp, { recursive: true });
});
