import { parseTar } from "nanotar";
import { expect, test } from "vitest";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { keptArchive, readKept } from "../../../src/plan/kept-files.ts";
import { planCluster } from "../../../src/plan/plan.ts";
import { type Secrets, securityArchiveFor } from "../../../src/plan/security-files.ts";
import { prerequisites } from "./fixtures.ts";

const file = `
datacenters: [{ name: east, servers: 2, config: { log_level: debug } }, { name: west, clients: 3 }]
config: { limits: { http_max_conns_per_client: 500 } }
client_config: { node_meta: { kind: client } }
nodes: { west-client-2: { config: { node_meta: { rack: b } }, env: { A: "1=2" } } }
`;
const inputs: Record<string, string> = { cluster: file, env: "GOMAXPROCS=2", "log-level": "warn" };
const { spec } = parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "");
const plan = planCluster(spec, prerequisites);

const secrets: Secrets = {
  version: "1.22.0",
  owner: { uid: 100, gid: 1000 },
  software: new Map(),
  certificates: new Map(),
  ca: { certificate: "CERTIFICATE", key: "KEY" },
};

test("what was kept is read as it was", () => {
  const { datacenters, config, fileConfig, env, nodes, logLevel } = spec;
  const kept = { datacenters, config, fileConfig, env, nodes, logLevel };
  expect(readKept(keptArchive(plan, undefined))).toEqual({ spec: kept });
  expect(readKept(keptArchive(plan, secrets))).toEqual({ spec: kept, caKey: "KEY" });
});

test("an upgrade leaves it as it is", () => {
  for (const each of [undefined, secrets]) {
    const archive = keptArchive(plan, each);
    expect(readKept(securityArchiveFor(archive, "2.1.0"))).toEqual(readKept(archive));
  }
});

test("only root reads it; the folder stays the agent's", () => {
  const owners = (archive: Uint8Array) =>
    parseTar(archive).map(({ name, attrs }) => [name, attrs?.mode, attrs?.uid]);
  expect(owners(keptArchive(plan, undefined))).toEqual([
    ["consul/security", "0000700", 0],
    ["consul/security/agents.json", "0000400", 0],
  ]);
  expect(owners(keptArchive(plan, secrets))).toEqual([
    // Octal digits, parsed as decimal ones.
    ["consul/security", "0000700", 144],
    ["consul/security/agents.json", "0000400", 0],
    ["consul/security/ca-key.pem", "0000400", 0],
  ]);
});

test("a cluster that another version started has kept nothing", () => {
  const archive = keptArchive(plan, undefined);
  const other = new TextDecoder("latin1").decode(archive).replace("agents.json", "others.json");
  expect(readKept(Uint8Array.from(other, (char) => char.charCodeAt(0)))).toBeUndefined();
});
