import { expect, test } from "vitest";
import { scopesIn, seedScopes } from "../../../src/seed/scopes.ts";
import { untilVisible } from "../../../src/seed/services.ts";
import { agent, consulThatAnswers } from "../find/fixtures.ts";

const place = { file: "cluster.yml", line: 2, column: 3 };
const declared = (name: string, value: Readonly<Record<string, unknown>>) => ({
  ...{ name, place, value },
  ...{ node: undefined, datacenter: undefined },
});

const seeds = {
  configEntries: [
    declared("a", { Kind: "mesh", Namespace: "default" }),
    declared("b", { Kind: "mesh", partition: "west" }),
  ],
  services: [declared("c", { name: "web", namespace: "team", partition: "west" })],
  kv: [{ name: "d", place, key: "k", value: Buffer.alloc(0), namespace: "team" }],
};

test("each partition and each namespace is wanted once, a namespace after its partition", () => {
  expect(scopesIn(seeds).map(({ declared: { name }, scope }) => [name, scope])).toEqual([
    ["b", { partition: "west" }],
    ["c", { partition: "west", namespace: "team" }],
    ["d", { namespace: "team" }],
  ]);
});

test("those that are not there are created", async () => {
  const seen: string[] = [];
  const consul = await consulThatAnswers(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    seen.push(`${request.method} ${request.url} ${body}`.trim());
    const isThere = request.url === "/v1/partition/west";
    if (request.method === "GET" && !isThere) response.writeHead(404).end();
    else response.end("{}");
  });
  await seedScopes(seeds, consul, async (_, write) => {
    await write();
    return true;
  });
  expect(seen).toEqual([
    "GET /v1/partition/west",
    "GET /v1/namespace/team?partition=west",
    'PUT /v1/namespace?partition=west {"Name":"team"}',
    "GET /v1/namespace/team",
    'PUT /v1/namespace {"Name":"team"}',
  ]);
});

test("a service is looked for where it is", async () => {
  const seen: string[] = [];
  const consul = await consulThatAnswers(({ url = "" }, response) => {
    seen.push(url);
    const instance = { Node: { Node: "server-1" }, Service: { ID: "web" }, Checks: [] };
    response.end(JSON.stringify([instance]));
  });
  const client = { ...agent("server-1"), consul };
  const seeding = {
    ...{ timeout: 10_000, signal: new AbortController().signal },
    ...{ log: () => {}, onSecret: () => {} },
  };
  for (const service of seeds.services) await untilVisible(service, [client], seeding);
  expect(seen).toEqual([`/v1/health/service/web?dc=${client.datacenter}&partition=west&ns=team`]);
});
