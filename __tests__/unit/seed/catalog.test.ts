import { describe, expect, test } from "vitest";
import { sameRule } from "../../../src/seed/acl.ts";
import { sameQuery, seedCatalog, untilEveryServerHas } from "../../../src/seed/catalog.ts";
import { agent, consulThatAnswers } from "../find/fixtures.ts";

const declared = (name: string, value: Readonly<Record<string, unknown>>) => {
  return { name, place: { file: "cluster.yml", line: 2, column: 3 }, value };
};
const seeding = (timeout: number) => {
  return { timeout, signal: new AbortController().signal, log: () => {}, onSecret: () => {} };
};

describe("the same prepared query", () => {
  const queries = [
    { ID: "1", Name: "db", Template: { Type: "" } },
    { ID: "2", Name: "", Template: { Type: "name_prefix_match" } },
    { ID: "3", Name: "", Session: "s" },
  ];
  test.each([
    [{ name: "db" }, "1"],
    [{ Name: "other" }, undefined],
    [{ Template: { Type: "name_prefix_match" } }, "2"],
    [{ Session: "s" }, undefined],
  ])("as %j is %s", (query, id) => {
    expect(sameQuery(queries, query)?.ID).toBe(id);
  });
});

describe("the same binding rule", () => {
  const rule = { BindType: "role", BindName: "app", Selector: "" };
  const rules = [
    { ID: "1", AuthMethod: "ci", Description: "", ...rule },
    { ID: "2", AuthMethod: "ci", Description: "apps", ...rule, BindName: "web" },
    { ID: "3", AuthMethod: "other", Description: "more", ...rule },
  ];
  test.each([
    [{ AuthMethod: "ci", BindType: "role", BindName: "app" }, "1"],
    [{ AuthMethod: "ci", BindType: "role", BindName: "web" }, "2"],
    [{ AuthMethod: "ci", BindType: "role", BindName: "new" }, undefined],
    [{ AuthMethod: "ci", Description: "apps", BindName: "new" }, "2"],
    [{ AuthMethod: "ci", Description: "more", BindName: "new" }, undefined],
  ])("as %j is %s", (wanted, id) => {
    expect(sameRule(rules, wanted)?.ID).toBe(id);
  });
});

test("registrations are written in order, and a prepared query only if it is new or differs", async () => {
  const seen: string[] = [];
  const consul = await consulThatAnswers((request, answer) => {
    seen.push(`${request.method} ${request.url}`);
    const queries = [
      { ID: "1", Name: "same", Service: { Service: "db", Near: "" } },
      { ID: "2", Name: "other", Service: { Service: "old" } },
    ];
    answer.end(request.method === "GET" ? JSON.stringify(queries) : "true");
  });
  const query = (Name: string) => declared(Name, { Name, Service: { Service: "db" } });
  const seeds = {
    catalog: [declared("a", { Node: "a" }), declared("b", { Node: "b" })],
    preparedQueries: [query("same"), query("other"), query("new")],
  };
  await seedCatalog(seeds, [{ ...agent("server-1"), consul }], async (_, write) => {
    await write();
    return true;
  });
  expect(seen.filter((each) => !each.startsWith("GET"))).toEqual([
    "PUT /v1/catalog/register",
    "PUT /v1/catalog/register",
    "PUT /v1/query/2",
    "POST /v1/query",
  ]);
});

describe("everything is there once every server of its datacenter", () => {
  const seeds = {
    catalog: [
      declared("catalog[0] (db)", { Node: "db", Service: { Service: "pg", ID: "pg-1" } }),
      declared("catalog[1] (west)", { Node: "w", Datacenter: "west" }),
    ],
    preparedQueries: [declared("prepared_queries[0] (q)", { Name: "q" })],
  };

  /** A server that has nothing for its first answers. */
  async function server(node: string, datacenter: string, late: number) {
    let asked = 0;
    const paths = new Set<string>();
    const consul = await consulThatAnswers(({ url = "" }, answer) => {
      paths.add(url);
      asked++;
      const services = asked > late ? { Services: { "pg-1": {} } } : null;
      const queries = asked > late ? [{ Name: "q" }] : [];
      answer.end(JSON.stringify(url.startsWith("/v1/query") ? queries : services));
    });
    return { client: { ...agent(node), datacenter, consul }, paths };
  }

  test("has it in its own state", async () => {
    const [first, second, west] = [
      await server("server-1", "east", 0),
      await server("server-2", "east", 4),
      await server("server-1", "west", 1),
    ];
    const agents = [first.client, second.client, west.client];
    await untilEveryServerHas(seeds, agents, seeding(10_000));
    expect([...second.paths].sort()).toEqual(["/v1/catalog/node/db?stale=", "/v1/query?stale="]);
    expect([...west.paths]).toEqual(["/v1/catalog/node/w?stale="]);
  });

  test("or the message names what is missing, and where", async () => {
    const [first, second] = [
      await server("server-1", "east", 0),
      await server("server-2", "east", 1e9),
    ];
    const { preparedQueries } = seeds;
    const waited = untilEveryServerHas(
      { catalog: [], preparedQueries },
      [first.client, second.client],
      seeding(60),
    );
    await expect(waited).rejects.toThrow(
      "cluster.yml:2:3: `prepared_queries[0] (q)` was accepted, but is not known to server-2. Raise",
    );
  });
});
