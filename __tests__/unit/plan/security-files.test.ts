import { parseTar } from "nanotar";
import { describe, expect, test } from "vitest";
import { securityOf } from "../../../src/plan/security-config.ts";
import {
  credentialsFrom,
  oldestVersion,
  type Secrets,
  secretsFor,
  secretTexts,
  secretValues,
  securityArchive,
  securityArchiveFor,
} from "../../../src/plan/security-files.ts";
import { argumentsOf, plan } from "./fixtures.ts";

// Before and after every change that securityConfig handles.
const versions = [
  ...["1.4.1", "1.8.7", "1.10.12", "1.11.0-rc1", "1.11.11", "1.12.0", "1.13.9"],
  ...["1.14.0", "1.16.6+ent", "1.17.0", "1.22.3", "2.1.0"],
];

describe("the secrets of agents", () => {
  const key = "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\nbGluZXM=\n-----END EC PRIVATE KEY-----\n";
  const secrets: Secrets = {
    version: "1.8.7",
    software: new Map(),
    owner: { uid: 100, gid: 1000 },
    gossipKey: "gossip",
    ca: { certificate: "CA", key: "CAKEY" },
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

  test("are masked line by line, without the header and footer of keys", () => {
    expect(secretValues(secrets)).toEqual([
      ...["gossip", "m", "d", "s", "c"],
      ...["CAKEY", "c2VjcmV0", "bGluZXM=", "c2VjcmV0", "bGluZXM="],
    ]);
  });

  test("are readable only by the agent's user, with the management token only on servers", () => {
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
      // parseTar parses these octal numbers as decimal.
      expect(attrs).toMatchObject({ uid: 144, gid: 1750 });
      expect(Number(attrs?.mode)).toBe(type === "directory" ? 700 : 400);
    }
    expect(client?.map(({ name }) => name)).not.toContain("consul/security/token");
    expect(client?.map(({ text }) => text).join("")).not.toMatch(/"(master|default)": "m"/);
  });

  test("are the same for another version except for setting names, with owners and modes", () => {
    const whole = plan({ ...spec, tls: "mutual" });
    const filesOf = (archive: Uint8Array) =>
      // The modification time differs between archives.
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

  test("with several datacenters name each one's primary; only servers elsewhere replicate its ACLs", () => {
    const cluster = `datacenters: [{ name: a, servers: 1 }, { name: b, servers: 1 }, { name: c, servers: 1 }, { name: d, servers: 1 }]
peerings: [{ acceptor: b, dialer: c }]`;
    const whole = plan({ cluster, acl: "true" });
    const own = new Map(whole.agents.map(({ node }) => [node, node]));
    const all = {
      ...secrets,
      tokens: { management: "m", dns: "d", replication: "r", agents: own },
    };
    const primaries = whole.agents.map((agent) => {
      const text = secretTexts(securityArchive(whole, agent, all))("agent.json") ?? "";
      const { primary, tokens } = securityOf(JSON.parse(text));
      return [agent.node, primary, tokens?.replication];
    });
    expect(primaries).toEqual([
      ["a-server-1", "a", undefined],
      ["b-server-1", "b", undefined],
      ["c-server-1", "c", undefined],
      ["d-server-1", "a", "r"],
    ]);
    const joined = whole.agents.filter(({ federation }) => federation === "a");
    const [, peered] = whole.agents;
    expect(secretsFor(all, joined).tokens).toEqual({
      ...all.tokens,
      agents: new Map(["a-server-1", "d-server-1"].map((node) => [node, node])),
    });
    expect(secretsFor(all, peered ? [peered] : []).tokens).toEqual({
      ...{ management: "m", dns: "d" },
      agents: new Map([["b-server-1", "b-server-1"]]),
    });
  });

  test("have the job's own certificate on servers if callers need one", () => {
    const client = { certificate: "CERT3", key: key.replace("c2Vj", "b3du") };
    const whole = plan({ ...spec, tls: "mutual" });
    const [ofServer, ofClient] = whole.agents.map((agent) =>
      parseTar(securityArchive(whole, agent, { ...secrets, client })),
    );
    expect(ofServer?.slice(-2).map(({ name, text }) => [name, text])).toEqual([
      ["consul/security/client-cert.pem", client.certificate],
      ["consul/security/client-key.pem", client.key],
    ]);
    expect(ofClient?.map(({ name }) => name).join()).not.toContain("client-");
    expect(secretValues({ ...secrets, client })).toContain("b3ducmV0");
    expect(credentialsFrom({ ...secrets, client })).toMatchObject({ scheme: "https", client });
  });

  test("have a license as a file, which the configuration names from Consul 1.10 on", () => {
    const whole = plan({ ...spec, license: "02MV4" });
    for (const agent of whole.agents) {
      const written = (version: string) => {
        const archive = securityArchive(whole, agent, { ...secrets, version });
        return { archive, files: parseTar(archive).map(({ name, text }) => ({ name, text })) };
      };
      const [old, current] = [written("1.9.17+ent"), written("1.10.0+ent")];
      expect(current.files).toContainEqual({
        name: "consul/security/license.hclic",
        text: "02MV4",
      });
      expect(current.files[1]?.text).toContain('"license_path": "/consul/security/license.hclic"');
      expect(old.files[1]?.text).not.toContain("license_path");
      const upgraded = parseTar(securityArchiveFor(old.archive, "1.10.0+ent"));
      expect(upgraded[1]?.text).toBe(current.files[1]?.text);
      expect(argumentsOf(whole, agent.node).join()).not.toContain("02MV4");
    }
    const alone = plan({ license: "02MV4", servers: "1" });
    expect(argumentsOf(alone, "server-1")).toContain("-config-file=/consul/security/agent.json");
  });

  test("are not on any command line", () => {
    expect(JSON.stringify(plan(spec))).not.toContain("gossip-key");
  });
});

test("a node with its own image gets its secrets in that version's words, for that image's user", () => {
  const secrets: Secrets = {
    version: "1.10.12",
    owner: { uid: 100, gid: 1000 },
    software: new Map([["client-1", { version: "1.17.0", owner: { uid: 8, gid: 9 } }]]),
    certificates: new Map(),
    tokens: {
      management: "m",
      dns: "d",
      agents: new Map([
        ["server-1", "s"],
        ["client-1", "c"],
      ]),
    },
  };
  const made = plan({ acl: "true", servers: "1", clients: "1" });
  const [server, client] = made.agents.map((agent) => {
    const [folder, config] = parseTar(securityArchive(made, agent, secrets));
    return [folder?.attrs?.gid, Object.keys(JSON.parse(config?.text ?? "").acl.tokens)];
  });
  // parseTar parses octal numbers as decimal.
  expect(server).toEqual([1750, ["agent", "default", "master"]]);
  expect(client).toEqual([11, ["agent", "dns"]]);
  expect(oldestVersion(secrets, ["client-1"])).toBe("1.17.0");
  expect(oldestVersion(secrets, ["client-1", "server-1"])).toBe("1.10.12");
});
