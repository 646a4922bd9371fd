import { expect, test } from "vitest";
import { summaryText } from "../../../src/report/summary.ts";
import { readyCluster } from "./fixtures.ts";

test("the summary has a picture with the leader marked, and a table", () => {
  expect(
    summaryText(readyCluster(2, 1, "server-2"), ["image  ███"]),
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
  expect(summaryText(readyCluster(1, 0), [])).not.toContain("clients");
});

test("of many clients the picture shows some, the table all", () => {
  const summary = summaryText(readyCluster(3, 20), []);
  expect(summary).toContain('more-clients["and 5 more"]');
  expect(summary.match(/^\s+client-\d+\[/gm)).toHaveLength(15);
  expect(summary.match(/^\| client-\d+ \|/gm)).toHaveLength(20);
});
