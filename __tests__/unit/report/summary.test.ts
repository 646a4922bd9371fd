import { expect, test } from "vitest";
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
  subgraph dc1-servers["servers"]
    node1["<b>server-1</b><br/>http://127.0.0.1:8500<br/>DNS 127.0.0.1:8600<br/>gRPC 127.0.0.1:8502"]
    node2["<b>server-2</b><br/>★ leader<br/>http://127.0.0.1:50001"]
  end
  subgraph dc1-clients["clients"]
    node3["<b>client-1</b><br/>http://127.0.0.1:50004"]
  end
  dc1-clients --> dc1-servers
end
style node2 stroke-width:3px
\`\`\`

| node | role | network address | HTTP API |
| --- | --- | --- | --- |
| server-1 | server | 172.18.0.2 | [http://127.0.0.1:8500](http://127.0.0.1:8500/ui) |
| server-2 | server, leader | 172.18.0.3 | [http://127.0.0.1:50001](http://127.0.0.1:50001/ui) |
| client-1 | client | 172.18.0.4 | http://127.0.0.1:50004 |

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

test("of many clients the diagram shows some, the table all", () => {
  const summary = summaryText(readyCluster(3, 20), []);
  expect(summary).toContain('dc1-more-clients["and 5 more"]');
  expect(summary.match(/<b>client-\d+</gm)).toHaveLength(15);
  expect(summary.match(/^\| client-\d+ \|/gm)).toHaveLength(20);
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
      .replaceAll(/^ *(end|style|subgraph)\b/gm, "");
    expect(outside).not.toContain(name);
  },
);

test("the versions of a cluster that runs several are all named", () => {
  const cluster = { ...readyCluster(1, 0), versions: ["1.20.6", "1.21.0"] };
  expect(summaryText(cluster, [])).toMatch(/^### Consul 1\.20\.6 and 1\.21\.0: datacenter `dc1`/);
});
