import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { transactionOf } from "../../../src/consul/answers.ts";
import type { Problem } from "../../../src/errors.ts";
import { seedKeys, transactions } from "../../../src/seed/kv.ts";
import { consulThatAnswers } from "../find/fixtures.ts";

const place = { file: "cluster.yml", line: 1, column: 1 };

const keyOf = (key: string, bytes: number) => ({
  name: `kv.${key}`,
  place,
  key,
  value: Buffer.alloc(bytes),
});

describe("transactions", () => {
  test("hold 64 operations each", () => {
    const keys = Array.from({ length: 130 }, (_, index) => keyOf(`k${index}`, 10));
    expect(transactions(keys).map(({ length }) => length)).toEqual([64, 64, 2]);
  });

  test("hold no key with flags that some versions of Consul would round", () => {
    const keys = ["0", "42", "18446744073709551615", "9007199254740991", "7"].map(
      (flags, index) => ({ ...keyOf(`k${index}`, 10), flags }),
    );
    expect(transactions(keys).map((batch) => batch.map(({ key }) => key))).toEqual([
      ["k0", "k1"],
      ["k2"],
      ["k3", "k4"],
    ]);
  });

  test("hold every key once, in order, within Consul's limits unless a key is alone", () => {
    const sizes = fc.array(fc.oneof(fc.nat(1000), fc.integer({ min: 200_000, max: 600_000 })), {
      maxLength: 100,
    });
    fc.assert(
      fc.property(sizes, (list) => {
        const keys = list.map((size, index) => keyOf(`k${index}`, size));
        const batches = transactions(keys);
        expect(batches.flat()).toEqual(keys);
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(64);
          if (batch.length > 1) expect(transactionOf(batch).length).toBeLessThanOrEqual(524_288);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test("of a transaction that Consul refuses as a whole, the key to blame is found", async () => {
  const consul = await consulThatAnswers(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (request.url?.startsWith("/v1/kv/")) response.writeHead(404).end();
    else if (body.includes('"k7"'))
      response.writeHead(400).end("Invalid key in transaction: no reason");
    else response.end(JSON.stringify({ Results: [], Errors: null }));
  });
  const problems: Problem[] = [];
  const keys = Array.from({ length: 65 }, (_, index) => keyOf(`k${index}`, 10));
  const patience = { timeout: 10_000, signal: new AbortController().signal };
  await seedKeys(keys, consul, { problems, patience });
  expect(problems.map(({ message }) => message)).toEqual([
    "cluster.yml:1:1: Consul refused `kv.k7`: 400 Invalid key in transaction: no reason",
  ]);
});

test("a key is written again if its value or its declared flags differ", async () => {
  const written: unknown[] = [];
  const consul = await consulThatAnswers(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const there = ["a", "b", "c", "d"].map(
      (key) => `{"Key":"${key}","Value":"","Flags":18446744073709551615}`,
    );
    if (request.method === "GET") return response.end(`[${there.join()}]`);
    written.push(`${request.url} ${body}`);
    response.end(JSON.stringify({ Results: [], Errors: null }));
  });
  const keys = [
    keyOf("a", 0),
    { ...keyOf("b", 0), flags: "18446744073709551615" },
    { ...keyOf("c", 0), flags: "18446744073709551614" },
    keyOf("d", 1),
  ];
  const patience = { timeout: 10_000, signal: new AbortController().signal };
  await seedKeys(keys, consul, { problems: [], patience });
  expect(written).toEqual([
    "/v1/kv/c?flags=18446744073709551614 ",
    '/v1/txn [{"KV":{"Verb":"set","Key":"d","Value":"AA=="}}]',
  ]);
});

test("keys are compared and written in their own namespaces", async () => {
  const seen: string[] = [];
  const consul = await consulThatAnswers(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    seen.push(`${request.method} ${request.url} ${body}`);
    if (request.method === "GET")
      return response.end(request.url?.includes("ns=") ? '[{"Key":"a","Value":""}]' : "[]");
    response.end(JSON.stringify({ Results: [], Errors: null }));
  });
  const team = { namespace: "team", partition: "west" };
  const keys = [keyOf("a", 0), { ...keyOf("a", 0), ...team }, { ...keyOf("b", 0), ...team }];
  const patience = { timeout: 10_000, signal: new AbortController().signal };
  await seedKeys(keys, consul, { problems: [], patience });
  expect(seen).toEqual([
    "GET /v1/kv/?recurse= ",
    "GET /v1/kv/?recurse=&partition=west&ns=team ",
    'PUT /v1/txn [{"KV":{"Verb":"set","Key":"a","Value":""}},{"KV":{"Verb":"set","Key":"b","Value":"","Partition":"west","Namespace":"team"}}]',
  ]);
});
