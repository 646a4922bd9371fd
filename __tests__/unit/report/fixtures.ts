import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { planCluster } from "../../../src/plan/plan.ts";
import type { Node } from "../../../src/report/nodes.ts";
import type { ReadyCluster } from "../../../src/report/ready-cluster.ts";

export function readyCluster(
  servers: number,
  clients: number,
  leader = "server-1",
  more: Readonly<Record<string, string>> = {},
): ReadyCluster {
  const shape = { servers: String(servers), clients: String(clients) };
  const inputs: Record<string, string> = { ...shape, ...more };
  const { spec } = parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "");
  const plan = planCluster(spec, {
    clusterId: "c0ffee00",
    image: { reference: "hashicorp/consul:2.1" },
    jobLabels: {},
    isOnNetwork: false,
    areNodeNamesTaken: false,
    devTurnsConnectOn: false,
    nodeImages: new Map(),
    freePorts: Array.from(
      { length: Math.max(3 * (servers + clients), 20) },
      (_, index) => 50_001 + index,
    ),
  });
  const nodes = plan.agents.map(({ node, role, container, publications }, index): Node => {
    const [http, dns, grpc] = publications.map(({ port }) => `127.0.0.1:${port}`);
    const ip = `172.18.0.${index + 2}`;
    const apis = { http: `http://${http}`, dns: `${dns}`, grpc: `${grpc}` };
    return { name: node, role, datacenter: "dc1", container, ip, ...apis };
  });
  const addresses = { http: "127.0.0.1:8500", dns: "127.0.0.1:8600", grpc: "127.0.0.1:8502" };
  return {
    plan,
    nodes,
    datacenters: [{ name: "dc1", http: "http://127.0.0.1:8500", leader }],
    leader,
    tokens: [],
    version: "2.1.0",
    versions: ["2.1.0"],
    ...addresses,
    credentials: { scheme: "http" },
    caFile: "",
    hostAddress: "172.17.0.1",
  };
}
