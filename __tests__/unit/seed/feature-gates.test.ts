/** Feature gates, on servers that are HTTP servers here: Consul has had them since 2.1. */
import { expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import type { DeclaredGate } from "../../../src/inputs/seeds.ts";
import { seedFeatureGates } from "../../../src/seed/feature-gates.ts";
import { agent, consulThatAnswers } from "../find/fixtures.ts";

const gateOf = (gate: string, isEnabled: boolean): DeclaredGate => {
  const place = { file: "cluster.yml", line: 2, column: 18 };
  return { name: `feature_gates["${gate}"]`, place, gate, isEnabled };
};

/** As Consul answers (agent/operator_feature_gate_endpoint.go). */
const answerOf = (Name: string, desired: boolean, effective: boolean, Reason = "") => {
  return { Name, DesiredEnabled: desired, EffectiveEnabled: effective, Eligible: true, Reason };
};

/** Seeds through two servers with these answers, one after another; the last one again and again. */
async function seedThrough(gates: DeclaredGate[], answers: readonly unknown[], timeout = 10_000) {
  const seen: string[] = [];
  const left = [...answers];
  const consul = await consulThatAnswers((request, answer) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      seen.push(`${request.method} ${request.url} ${body}`.trim());
      if (request.method === "PUT") return answer.end("{}");
      const next = left.length > 1 ? left.shift() : left[0];
      if (next === undefined) answer.writeHead(404).end("404 page not found");
      else answer.end(JSON.stringify(next));
    });
  });
  const agents = ["server-1", "server-2", "client-1"].map((node) => ({ ...agent(node), consul }));
  const { signal } = new AbortController();
  const seeding = { timeout, signal, log: () => {}, onSecret: () => {} };
  await seedFeatureGates(gates, agents, seeding, async (_, write) => {
    await write();
    return true;
  });
  return seen;
}

test("only what differs is set, once Consul has gates, and every server must see the effect", async () => {
  const [off, on] = [answerOf("consul-ai", false, false), answerOf("consul-ai", true, true)];
  const other = answerOf("api-gateway-upstream-routing", false, false);
  const gates = [gateOf("consul-ai", true), gateOf("api-gateway-upstream-routing", false)];
  const seen = await seedThrough(gates, [[], [off, other], [on, other], [off, other], [on, other]]);
  const look = "GET /v1/operator/features?stale=";
  expect(seen).toEqual([
    look,
    look,
    'PUT /v1/operator/feature/consul-ai {"Enabled":true}',
    ...[look, look],
    ...[look, look],
  ]);
});

test("a gate that Consul does not have is refused, with its place", async () => {
  const known = [[answerOf("consul-ai", false, false)]];
  const refused = seedThrough([gateOf("consul-io", true), gateOf("consul-ai", true)], known);
  await expect(refused).rejects.toBeInstanceOf(InputError);
  await expect(refused).rejects.toThrow(
    'cluster.yml:2:18: `feature_gates["consul-io"]` is no feature gate of this Consul; did you mean `consul-ai`?',
  );
});

test("a Consul without feature gates is refused at once", async () => {
  await expect(seedThrough([gateOf("consul-ai", true)], [])).rejects.toThrow(
    'cluster.yml:2:18: `feature_gates["consul-ai"]` can\'t be set: this Consul has no feature gates.',
  );
});

test("a gate without effect is named with Consul's reason", async () => {
  const known = [[answerOf("consul-ai", true, false, "below-minimum-version")]];
  await expect(seedThrough([gateOf("consul-ai", true)], known, 60)).rejects.toThrow(
    "Not every feature gate has its effect: on server-1, `consul-ai` is off (below-minimum-version).",
  );
});
