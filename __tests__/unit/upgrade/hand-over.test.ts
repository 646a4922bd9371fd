import { expect, test, vi } from "vitest";
import { handOver } from "../../../src/upgrade/hand-over.ts";
import { agent, consulThatAnswers, raftAnswer } from "../find/fixtures.ts";

interface Case {
  readonly node?: string;
  readonly version?: string;
  /** The only one, if it has no others. */
  readonly others?: readonly string[];
  readonly leader?: string;
  /** HTTP status of the answer to what asks for a transfer. */
  readonly status?: number;
}

/** What was asked to change, and what the log says. */
async function outcomeOf({
  node = "server-1",
  version = "1.15.0",
  others = ["server-2"],
  leader = node,
  status = 200,
}: Case) {
  const said: string[] = [];
  const changes: string[] = [];
  const log = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
  const consul = await consulThatAnswers(({ url = "", method }, answer) => {
    if (method !== "GET") changes.push(`${method} ${url}`);
    if (method !== "GET") return answer.writeHead(status).end("refused");
    if (url.startsWith("/v1/operator/raft/configuration"))
      return answer.end(JSON.stringify(raftAnswer(["a", leader, "10.0.0.1"])));
    answer.end(
      JSON.stringify([
        { Name: node, Addr: "10.0.0.1", Status: 1, Tags: { build: version, id: "a" } },
      ]),
    );
  });
  await handOver(
    { ...agent(node), consul },
    others.map((name) => agent(name)),
  );
  log.mockRestore();
  return { changes, said: said.join("") };
}

test("a leader hands over before it is replaced", async () => {
  const { changes, said } = await outcomeOf({});
  expect(changes).toEqual(["POST /v1/operator/raft/transfer-leader"]);
  expect(said).toContain("server-1 handed over to another leader");
});

test.each<[string, Case]>([
  ["a follower", { leader: "server-2" }],
  ["a client", { node: "client-1" }],
  ["a leader of an older version", { version: "1.14.11" }],
  ["a leader without other servers", { others: ["client-1"] }],
])("%s does not", async (_, which) => {
  expect(await outcomeOf(which)).toEqual({ changes: [], said: "" });
});

test("if it refuses, the log says so", async () => {
  const { said } = await outcomeOf({ status: 500 });
  expect(said).toContain("server-1 did not hand over to another leader: 500 refused");
});
