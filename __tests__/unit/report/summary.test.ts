import { describe, expect, test } from "vitest";
import { diagramOf } from "../../../src/report/diagram.ts";
import { summaryText } from "../../../src/report/summary.ts";
import { readyCluster } from "./fixtures.ts";

test("the summary has a diagram with the leader marked, and a table", () => {
  expect(
    summaryText(readyCluster(2, 1, "server-2"), ["image  ███"]),
  ).toBe(`### Consul 2.1.0: datacenter \`dc1\`, leader \`server-2\`

\`\`\`mermaid
flowchart TB
subgraph dc1["datacenter dc1"]
  direction TB
  subgraph dc1-servers["servers"]
    direction TB
    node1["<b>server-1</b><br/>http://127.0.0.1:8500<br/>DNS 127.0.0.1:8600<br/>gRPC 127.0.0.1:8502"]
    node2["<b>server-2</b><br/>★ leader<br/>http://127.0.0.1:50001"]
  end
  subgraph dc1-clients["clients"]
    direction TB
    node3["<b>client-1</b><br/>http://127.0.0.1:50004"]
  end
  dc1-clients --> dc1-servers
end
style node2 stroke-width:3px
\`\`\`

| node | role | network address | HTTP API |
| --- | --- | --- | --- |
| server-1 | server | 172.18.0.2 | \`http://127.0.0.1:8500\` |
| server-2 | server, leader | 172.18.0.3 | \`http://127.0.0.1:50001\` |
| client-1 | client | 172.18.0.4 | \`http://127.0.0.1:50004\` |

<details><summary>Where the time went</summary>

\`\`\`text
image  ███
\`\`\`

</details>
`);
});

test("without clients the diagram has no group for them", () => {
  expect(summaryText(readyCluster(1, 0), [])).not.toContain("clients");
});

test("up to six clients are drawn one by one, more as one box with their number; the table has all", () => {
  const six = summaryText(readyCluster(3, 6), []);
  expect(six.match(/<b>client-\d+</g)).toHaveLength(6);
  expect(six).not.toContain("<details><summary>All");
  const twelve = summaryText(readyCluster(3, 12), []);
  expect(twelve).toContain(
    '    dc1-more-clients["<b>12 clients</b><br/>client-1<br/>to client-12"]\n  end',
  );
  expect(twelve.match(/<b>(server|client)-\d+</g)).toHaveLength(3);
  expect(twelve.match(/^\| client-\d+ \|/gm)).toHaveLength(12);
  expect(twelve).toContain("<details><summary>All 15 nodes</summary>\n\n| node |");
});

test("of many servers, the leader and the one with the cluster's addresses are drawn", () => {
  const diagram = diagramOf(readyCluster(9, 0, "server-5"));
  const boxes = diagram.filter((line) => line.includes('["<b>'));
  expect(boxes.map((line) => /<b>(.*?)<\/b>/.exec(line)?.[1])).toEqual([
    "server-1",
    "server-5",
    "7 more servers",
  ]);
  expect(diagram).toContain("style node5 stroke-width:3px");
});

test("each datacenter counts its own clients", () => {
  const { datacenters, nodes, ...rest } = readyCluster(1, 6);
  const west = nodes.map((node) => ({ ...node, name: `west-${node.name}`, datacenter: "west" }));
  const cluster = {
    ...rest,
    datacenters: [...datacenters, { name: "west", http: "", leader: "west-server-1" }],
    nodes: [...nodes, ...west],
  };
  expect(diagramOf(cluster).filter((line) => line.includes("<b>"))).toHaveLength(14);
});

test("no address is a link: those of a runner's loopback lead nowhere", () => {
  const summary = summaryText(readyCluster(3, 12), []);
  const [, ...parts] = summary.replace(/```mermaid[\s\S]*?```/, "").split("http://");
  expect(parts).toHaveLength(15);
  for (const part of parts) expect(part).toMatch(/^127\.0\.0\.1:\d+` \|/);
});

test.each(["end", "graph", "style", "class", "subgraph", "click", "default"])(
  "in the diagram, the datacenter's name %s occurs in quoted labels only",
  (name) => {
    const { datacenters, nodes, ...rest } = readyCluster(1, 1);
    const inside = <T extends { name: string }>(each: T) => ({
      ...each,
      name: `${name}-${each.name}`,
    });
    const cluster = {
      ...rest,
      datacenters: datacenters.map((each) => ({ ...each, name, leader: `${name}-${each.leader}` })),
      nodes: nodes.map((node) => ({ ...inside(node), datacenter: name })),
    };
    const diagram = diagramOf(cluster).join("\n");
    expect(diagram).toContain(`"datacenter ${name}"`);
    expect(diagram).toContain("style node1 stroke-width:3px");
    // The keywords that a diagram has in any case, each at the start of its line.
    const outside = diagram
      .replaceAll(/"[^"]*"/g, "")
      .replaceAll(/^ *(end|style|subgraph|direction)\b/gm, "");
    expect(outside).not.toContain(name);
  },
);

test("the versions of a cluster that runs several are all named", () => {
  const cluster = { ...readyCluster(1, 0), versions: ["1.20.6", "1.21.0"] };
  expect(summaryText(cluster, [])).toMatch(/^### Consul 1\.20\.6 and 1\.21\.0: datacenter `dc1`/);
});

describe("what was declared", () => {
  const text = `
services: [{ name: web, token: hidden-1 }, { name: web, id: web-2, node: server-1 }]
kv: { "app/a|b": hidden-2, "app/\`c": hidden-3 }
acl:
  policies: [{ Name: app, Rules: 'key_prefix "hidden-4" { policy = "read" }' }]
  tokens:
    - { Description: "<b>app</b>", SecretID: 4e8a31d1-6d7c-4b2c-8d2e-8f4c0a9e0b11, Policies: [{ Name: app }] }
    - { AccessorID: 4e8a31d1-6d7c-4b2c-8d2e-8f4c0a9e0b12 }
config_entries: [{ Kind: service-defaults, Name: web, Protocol: http }]
catalog: [{ Node: legacy, Address: 10.0.0.1, Service: { Service: mainframe } }]
prepared_queries: [{ Name: nearest, Service: { Service: web } }]
`;

  test("is listed by name, without values, rules, and secrets", () => {
    const summary = summaryText(readyCluster(1, 1, "server-1", { cluster: text }), []);
    expect(summary).toContain(`| declared | count | names |
| --- | ---: | --- |
| policies | 1 | \`app\` |
| tokens | 2 | \`<b>app</b>\` |
| keys | 2 | \`app/a\\|b\`, \`\`app/\`c\`\` |
| config entries | 1 | \`service-defaults/web\` |
| services | 2 | \`web on client-1\`, \`web on server-1\` |
| registrations with the catalog | 1 | \`mainframe on legacy\` |
| prepared queries | 1 | \`nearest\` |

<details>`);
    expect(summary).not.toMatch(/hidden-|4e8a31d1/);
  });

  test("is drawn on its node, and counted in a box of many nodes", () => {
    const summary = summaryText(readyCluster(1, 1, "server-1", { cluster: text }), []);
    expect(summary).toMatch(/<b>client-1<[^"]*<br\/>⬢ web"/);
    expect(summary).toMatch(/<b>server-1<[^"]*<br\/>⬢ web"/);
    const services = Array.from(
      { length: 9 },
      (_, index) => `{ name: s${index % 8}, node: client-${index + 1}, id: i${index} }`,
    );
    const many = summaryText(
      readyCluster(1, 9, "server-1", { cluster: `services: [${services.join()}]` }),
      [],
    );
    expect(many).toContain(
      "<br/>⬢ s0 ×2<br/>⬢ s1<br/>⬢ s2<br/>⬢ s3<br/>⬢ s4<br/>and 3 more services",
    );
    expect(many).toMatch(/\| services \| 9 \| .*`s7 on client-8`, `s0 on client-9` \|/);
  });

  test("of many names, some are shown", () => {
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}: v`).join(", ");
    const summary = summaryText(readyCluster(1, 0, "server-1", { cluster: `kv: { ${keys} }` }), []);
    expect(summary).toContain(
      "| keys | 20 | `k0`, `k1`, `k2`, `k3`, `k4`, `k5`, `k6`, `k7`, and 12 more |",
    );
  });
});

test("datacenters that are joined over WAN are a chain, and each peering is a line of its own", () => {
  const named = ["a", "b", "c", "d", "e"].map((name) => `{ name: ${name}, servers: 1 }`).join();
  const links = (peerings: string) => {
    const cluster = `datacenters: [${named}]\npeerings: [${peerings}]`;
    return diagramOf(readyCluster(1, 0, "server-1", { cluster })).filter(
      (line) => line.includes("-->|") || line.includes("->|"),
    );
  };
  expect(links("")).toEqual([1, 2, 3, 4].map((from) => `dc${from} <-->|WAN| dc${from + 1}`));
  expect(links("{ acceptor: b, dialer: d }")).toEqual([
    "dc1 <-->|WAN| dc3",
    "dc3 <-->|WAN| dc5",
    "dc4 <-.->|peering| dc2",
  ]);
});
