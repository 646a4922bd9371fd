/** What seeding does with an agent that is slow, or refuses; the agent is an HTTP server held still. */
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { noSeeds, type Seeds } from "../../../src/inputs/seeds.ts";
import { seed } from "../../../src/seed/seed.ts";
import { agent, consulThatAnswers } from "../find/fixtures.ts";

const declared = (name: string, line: number) => ({
  name,
  place: { file: "cluster.yml", line, column: 1 },
});
const keys = ["a", "b", "c"].map((key, index) => {
  return { ...declared(`kv.${key}`, index + 2), key, value: Buffer.from("x") };
});
const policy = { ...declared("acl.policies[0] (p)", 7), value: { Name: "p" } };

type Answering = (request: string, answer: ServerResponse) => void;

/** Seeds through an agent that answers like this. */
async function seedThrough(seeds: Partial<Seeds>, answering: Answering, timeout = 60_000) {
  const consul = await consulThatAnswers((request, answer) => {
    request.resume().on("end", () => answering(`${request.method} ${request.url}`, answer));
  });
  const { signal } = new AbortController();
  const seeding = { timeout, signal, log: () => {}, onSecret: () => {} };
  return seed({ ...noSeeds, ...seeds }, [{ ...agent("server-1"), consul }], seeding);
}

/** An agent that has nothing yet, and accepts everything. */
const empty: Answering = (request, answer) => {
  if (request.startsWith("GET /v1/kv/")) answer.writeHead(404).end();
  else answer.end(request === "GET /v1/acl/policies" ? "[]" : "{}");
};

describe("an agent that does not answer", () => {
  test("is asked again, for each kind of thing", async () => {
    const unanswered = new Set<string>();
    const seen: string[] = [];
    await seedThrough({ kv: keys, policies: [policy] }, (request, answer) => {
      seen.push(request);
      if (unanswered.has(request)) return empty(request, answer);
      unanswered.add(request);
      answer.destroy();
    });
    for (const request of ["PUT /v1/txn", "PUT /v1/acl/policy"])
      expect(seen.filter((each) => each === request)).toHaveLength(2);
  });

  test("until time is up: the cluster file is not to blame", async () => {
    const never: Answering = (_, answer) => answer.destroy();
    await expect(seedThrough({ policies: [policy] }, never, 60)).rejects.toMatchObject({
      name: "ActionError",
      title: "The cluster file is not fully applied",
      message: expect.stringMatching(
        /^cluster\.yml:7:1: `acl\.policies\[0\] \(p\)` was not applied within 0\.06 s\./,
      ),
    });
  });
});

describe("a refusal", () => {
  test("is not asked for again", async () => {
    const seen: string[] = [];
    const refusing: Answering = (request, answer) => {
      seen.push(request);
      if (request === "PUT /v1/acl/policy") answer.writeHead(500).end("Failed to parse ACL rules");
      else empty(request, answer);
    };
    await expect(seedThrough({ policies: [policy] }, refusing)).rejects.toMatchObject({
      problems: [
        {
          message:
            "cluster.yml:7:1: Consul refused `acl.policies[0] (p)`: 500 Failed to parse ACL rules",
        },
      ],
    });
    expect(seen.filter((each) => each === "PUT /v1/acl/policy")).toHaveLength(1);
  });

  test("of a transaction that does not say which key is to blame names the right one", async () => {
    const whole: string[] = [];
    const refusing: Answering = (request, answer) => {
      if (request !== "PUT /v1/txn") return empty(request, answer);
      whole.push(request);
      // All three together, and the second one by itself.
      if (whole.length === 1 || whole.length === 3) answer.writeHead(400).end("Invalid key");
      else answer.end("{}");
    };
    await expect(seedThrough({ kv: keys }, refusing)).rejects.toMatchObject({
      problems: [{ message: "cluster.yml:3:1: Consul refused `kv.b`: 400 Invalid key" }],
    });
  });
});
