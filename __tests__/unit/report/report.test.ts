import { expect, test } from "vitest";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { planCluster } from "../../../src/plan/plan.ts";
import type { Node } from "../../../src/report/nodes.ts";
import type { ReadyCluster } from "../../../src/report/ready-cluster.ts";
import { environmentOf, outputNames, outputsOf } from "../../../src/report/report.ts";
import { summaryOf } from "../../../src/report/summary.ts";

function readyCluster(servers: number, clients: number, leader = "server-1"): ReadyCluster {
  const inputs: Record<string, string> = { servers: String(servers), clients: String(clients) };
  const { spec } = parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "");
  const plan = planCluster(spec, {
    clusterId: "c0ffee00",
    image: { reference: "hashicorp/consul:2.1" },
    jobLabels: {},
    isOnNetwork: false,
    areNodeNamesTaken: false,
    freePorts: Array.from({ length: servers + clients }, (_, index) => 50_001 + index),
  });
  const nodes = plan.agents.map(({ node, role, container, publications }, index): Node => {
    const http = `http://127.0.0.1:${publications[0]?.port}`;
    return { name: node, role, datacenter: "dc1", container, ip: `172.18.0.${index + 2}`, http };
  });
  const addresses = { http: "127.0.0.1:8500", dns: "127.0.0.1:8600", grpc: "127.0.0.1:8502" };
  return {
    plan,
    nodes,
    datacenters: [{ name: "dc1", http: "http://127.0.0.1:8500", leader }],
    leader,
    tokens: [],
    version: "2.1.0",
    ...addresses,
    credentials: { scheme: "http" },
    caFile: "",
  };
}

test("outputs are those of action.yml, nodes as JSON", () => {
  const { nodes, ...others } = outputsOf(readyCluster(1, 1), "/temp/consul-c0ffee00");
  expect(others).toEqual({
    "http-address": "http://127.0.0.1:8500",
    "http-token": "",
    "ca-cert": "",
    logs: "/temp/consul-c0ffee00",
    "dns-address": "127.0.0.1:8600",
    "grpc-address": "127.0.0.1:8502",
    leader: "server-1",
    network: "consul-c0ffee00",
    version: "2.1.0",
    datacenter: "dc1",
    datacenters: '[{"name":"dc1","http":"http://127.0.0.1:8500","leader":"server-1"}]',
    tokens: "[]",
    "cluster-id": "c0ffee00",
  });
  expect(JSON.parse(nodes)).toEqual([
    {
      name: "server-1",
      role: "server",
      datacenter: "dc1",
      container: "consul-c0ffee00-server-1",
      ip: "172.18.0.2",
      http: "http://127.0.0.1:8500",
    },
    {
      name: "client-1",
      role: "client",
      datacenter: "dc1",
      container: "consul-c0ffee00-client-1",
      ip: "172.18.0.3",
      http: "http://127.0.0.1:50001",
    },
  ]);
  expect(Object.keys({ ...others, nodes }).sort()).toEqual([...outputNames].sort());
});

test("the environment is what Consul's CLI and SDKs read", () => {
  expect(environmentOf(readyCluster(1, 0))).toEqual({
    CONSUL_HTTP_ADDR: "http://127.0.0.1:8500",
    CONSUL_GRPC_ADDR: "127.0.0.1:8502",
  });
});

test("the summary has a picture with the leader marked, and a table", () => {
  expect(
    summaryOf(readyCluster(2, 1, "server-2"), ["image  ███"]),
  ).toBe(`### Consul 2.1.0: datacenter \`dc1\`, led by \`server-2\`

\`\`\`mermaid
flowchart TB
subgraph datacenter["datacenter dc1"]
  subgraph servers
    server-1["<b>server-1</b><br/>http://127.0.0.1:8500<br/>DNS 127.0.0.1:8600<br/>gRPC 127.0.0.1:8502"]
    server-2["<b>server-2</b><br/>★ leader<br/>http://127.0.0.1:50001"]
  end
  subgraph clients
    client-1["<b>client-1</b><br/>http://127.0.0.1:50002"]
  end
  clients --> servers
end
style server-2 stroke-width:3px
\`\`\`

| node | role | address in the network | HTTP API |
| --- | --- | --- | --- |
| server-1 | server | 172.18.0.2 | [http://127.0.0.1:8500](http://127.0.0.1:8500/ui) |
| server-2 | server, leader | 172.18.0.3 | [http://127.0.0.1:50001](http://127.0.0.1:50001/ui) |
| client-1 | client | 172.18.0.4 | http://127.0.0.1:50002 |

<details><summary>Where the time went</summary>

\`\`\`text
image  ███
\`\`\`

</details>
`);
});

test("without clients the picture has no group for them", () => {
  expect(summaryOf(readyCluster(1, 0), [])).not.toContain("clients");
});

test("of many clients the picture shows some, the table all", () => {
  const summary = summaryOf(readyCluster(3, 20), []);
  expect(summary).toContain('more-clients["and 5 more"]');
  expect(summary.match(/^\s+client-\d+\[/gm)).toHaveLength(15);
  expect(summary.match(/^\| client-\d+ \|/gm)).toHaveLength(20);
});
