import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { parseTar } from "nanotar";
import { describe, expect, test } from "vitest";
import { isAtLeast } from "../../../src/consul/versions.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { planCluster } from "../../../src/plan/plan.ts";
import {
  type AgentSecurity,
  isMissing,
  securityConfig,
  securityOf,
} from "../../../src/plan/security-config.ts";
import {
  type Secrets,
  secretValues,
  securityArchive,
  securityArchiveFor,
} from "../../../src/plan/security-files.ts";
import { cliScript } from "../../../src/report/consul-command.ts";

const plan = (inputs: Record<string, string>, labels: Record<string, string> = {}) => {
  const texts: Record<string, string> = { ...inputDefaults, ...inputs };
  const { spec } = parseInputs((name) => texts[name] ?? "");
  return planCluster(spec, {
    clusterId: "0123abcd",
    jobLabels: labels,
    image: { reference: "hashicorp/consul:1.8.7" },
    isOnNetwork: false,
    areNodeNamesTaken: false,
    freePorts: [30_001, 30_002, 30_003, 30_004, 30_005, 30_006],
  });
};

const tokens = { agent: "a", dns: "d", management: "m" };
const configOf = (version: string) =>
  securityConfig({ version, primary: "dc1", gossipKey: "k", tokens, tls: true });

describe("isAtLeast", () => {
  test.each([
    ["1.8.7", "1.8.7", true],
    ["1.10.0", "1.9.0", true],
    ["1.4.4", "1.11.0", false],
    ["2.1.0", "1.22.0", true],
    ["1.11.0-rc1", "1.11.0", true],
    ["1.18.3+ent", "1.18.3", true],
    ["1.8.7+dfsg1", "1.8.8", false],
  ])("%s, %s: %s", (version, change, expected) => {
    expect(isAtLeast(version, change)).toBe(expected);
  });

  test("refuses what is no version", () => {
    expect(() => isAtLeast("latest", "1.0.0")).toThrow("not a version of Consul: latest");
  });
});

describe("what an agent is told in secret", () => {
  test("nothing that is not switched on", () => {
    expect(securityConfig({ version: "1.8.7", primary: "dc1", tls: false })).toEqual({});
  });

  test("the management token under the version's name for it, and only to servers", () => {
    expect(configOf("1.10.12").acl).toMatchObject({ tokens: { master: "m", agent: "a" } });
    expect(configOf("1.11.0").acl).toMatchObject({ tokens: { initial_management: "m" } });
    const client = { version: "1.8.7", primary: "dc1", tokens: { agent: "a", dns: "d" } };
    expect(securityConfig({ ...client, tls: false }).acl).toEqual({
      enabled: true,
      default_policy: "deny",
      tokens: { agent: "a", default: "d" },
    });
  });

  test("a token for DNS alone where the version has that", () => {
    expect(configOf("1.16.6").acl).toMatchObject({ tokens: { default: "d" } });
    expect(configOf("1.17.0").acl).toEqual({
      enabled: true,
      default_policy: "deny",
      tokens: { agent: "a", dns: "d", initial_management: "m" },
    });
  });

  test("TLS at the top before 1.12, in its stanza from then on", () => {
    const files = {
      ca_file: "/consul/security/ca.pem",
      cert_file: "/consul/security/cert.pem",
      key_file: "/consul/security/key.pem",
    };
    const old = configOf("1.11.11");
    expect(old).toMatchObject({
      ...files,
      verify_incoming_rpc: true,
      verify_outgoing: true,
      verify_server_hostname: true,
    });
    expect(old).not.toHaveProperty("tls");
    const current = configOf("1.12.0");
    expect(current.tls).toEqual({
      defaults: { ...files, verify_outgoing: true },
      internal_rpc: { verify_incoming: true, verify_server_hostname: true },
    });
    expect(current).not.toHaveProperty("verify_outgoing");
  });

  test("one port for HTTP and one for gRPC, whichever scheme they speak", () => {
    expect(configOf("1.13.9").ports).toEqual({ http: -1, https: 8500, grpc: 8502 });
    expect(configOf("1.14.0").ports).toEqual({ http: -1, https: 8500, grpc: -1, grpc_tls: 8502 });
  });
});

// On either side of every change that securityConfig knows of.
const versions = [
  ...["1.4.1", "1.8.7", "1.10.12", "1.11.0-rc1", "1.11.11", "1.12.0", "1.13.9"],
  ...["1.14.0", "1.16.6+ent", "1.17.0", "1.22.3", "2.1.0"],
];
const anyVersion = fc.constantFrom(...versions);
const anySecret = fc.string({ minLength: 1 });
const anySecurity: fc.Arbitrary<Omit<AgentSecurity, "version">> = fc.record(
  {
    primary: anySecret,
    gossipKey: anySecret,
    tokens: fc.record(
      { agent: anySecret, dns: anySecret, management: anySecret, replication: anySecret },
      { requiredKeys: ["agent", "dns"] },
    ),
    tls: fc.boolean(),
  },
  { requiredKeys: ["primary", "tls"] },
);

test("what an agent was told is told to another version as if it had been the first", () => {
  fc.assert(
    fc.property(anySecurity, anyVersion, anyVersion, (security, old, version) => {
      const written = JSON.parse(JSON.stringify(securityConfig({ ...security, version: old })));
      const expected = securityConfig({ ...security, version });
      expect(securityConfig({ ...securityOf(written), version })).toEqual(expected);
    }),
  );
});

test("features are missing before the first version that has them", () => {
  expect(isMissing("acl", "1.3.1")).toBe(true);
  expect(isMissing("acl", "1.4.0")).toBe(false);
  expect(isMissing("tls", "1.4.0")).toBe(true);
  expect(isMissing("tls", "1.4.1")).toBe(false);
});

describe("what is handed to agents", () => {
  const key = "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\nbGluZXM=\n-----END EC PRIVATE KEY-----\n";
  const secrets: Secrets = {
    version: "1.8.7",
    owner: { uid: 100, gid: 1000 },
    gossipKey: "gossip",
    ca: "CA",
    certificates: new Map([
      ["server-1", { certificate: "CERT", key }],
      ["client-1", { certificate: "CERT2", key }],
    ]),
    tokens: {
      management: "m",
      dns: "d",
      agents: new Map([
        ["server-1", "s"],
        ["client-1", "c"],
      ]),
    },
  };
  const spec = { acl: "true", tls: "true", servers: "1", clients: "1" };

  test("is masked line by line, without what every key has", () => {
    expect(secretValues(secrets)).toEqual([
      ...["gossip", "m", "d", "s", "c"],
      ...["c2VjcmV0", "bGluZXM=", "c2VjcmV0", "bGluZXM="],
    ]);
  });

  test("is readable by the agent's user alone, and the management token is on servers only", () => {
    const { agents, ...rest } = plan(spec);
    const [server, client] = agents.map((agent) =>
      parseTar(securityArchive({ agents, ...rest }, agent, secrets)),
    );
    expect(server?.map(({ name }) => name)).toEqual([
      "consul/security",
      ...["agent.json", "ca.pem", "cert.pem", "key.pem", "token"].map(
        (file) => `consul/security/${file}`,
      ),
    ]);
    for (const { attrs, type } of server ?? []) {
      // parseTar reads these octal numbers as decimal ones.
      expect(attrs).toMatchObject({ uid: 144, gid: 1750 });
      expect(Number(attrs?.mode)).toBe(type === "directory" ? 700 : 400);
    }
    expect(client?.map(({ name }) => name)).not.toContain("consul/security/token");
    expect(client?.map(({ text }) => text).join("")).not.toMatch(/"(master|default)": "m"/);
  });

  test("is the same for another version but for names of settings, with owners and modes", () => {
    const whole = plan(spec);
    const filesOf = (archive: Uint8Array) =>
      // The time of writing is that of each archive.
      parseTar(archive).map(({ name, type, text, attrs: { mtime: _, ...attrs } = {} }) => {
        return { name, type, text, attrs };
      });
    for (const agent of whole.agents)
      for (const old of versions)
        for (const version of versions) {
          const written = (version: string) =>
            securityArchive(whole, agent, { ...secrets, version });
          const rewritten = securityArchiveFor(written(old), version);
          expect(filesOf(rewritten)).toEqual(filesOf(written(version)));
        }
  });

  test("is not on any command line", () => {
    expect(JSON.stringify(plan(spec))).not.toContain("gossip-key");
  });
});

describe("the consul command", () => {
  const labels = { job: 'it\'s "odd" $(touch /tmp/x) `y` \\' };

  test("is a script that a POSIX shell takes, whatever the job is called", () => {
    const script = cliScript(plan({ cli: "true" }, labels));
    expect(spawnSync("sh", ["-n"], { input: script }).status).toBe(0);
  });

  test("hands every word to docker as it is", () => {
    const script = cliScript(plan({ cli: "true" }, labels));
    const line = script.split("\n").find((each) => each.includes("docker run")) ?? "";
    const words = line.replace("docker run", "printf '%s\\n'").replace(/ >"\$new".*/, "");
    const { stdout } = spawnSync("sh", ["-c", words], { encoding: "utf8" });
    expect(stdout).toContain(`--label=job=${labels.job}\n`);
    expect(stdout).toContain('exec cat "$(command -v consul)"\n');
  });
});
