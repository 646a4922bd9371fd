import { describe, expect, test } from "vitest";
import type { Problem } from "../../../src/errors.ts";
import { seedPeerings } from "../../../src/seed/peerings.ts";
import { agent, consulThatAnswers } from "../find/fixtures.ts";

const place = { file: "cluster.yml", line: 2, column: 3 };
const peering = { name: "peerings[0] (east and west)", place, acceptor: "east", dialer: "west" };

/** Seeds a peering of two datacenters. @param establish - the dialer's answers, in turn */
async function seedWith(token: [number, string], establish: readonly [number, string][]) {
  const requests: string[] = [];
  const secrets: string[] = [];
  const problems: Problem[] = [];
  const left = [...establish];
  const server = async (datacenter: string) => {
    const consul = await consulThatAnswers(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      requests.push(`${datacenter}: ${request.method} ${request.url} ${body}`);
      const [status, text] = datacenter === "east" ? token : (left.shift() ?? [500, "no more"]);
      response.writeHead(status).end(text);
    });
    return { ...agent("server-1"), node: `${datacenter}-server-1`, datacenter, consul };
  };
  const agents = [await server("east"), await server("west")];
  const patience = { timeout: 200, signal: new AbortController().signal };
  const seeding = { ...patience, log: () => {}, onSecret: (each: string) => secrets.push(each) };
  await seedPeerings([peering], agents, { seeding, writing: { problems, patience } });
  return { requests, secrets, problems: problems.map(({ message }) => message) };
}

const good: [number, string] = [200, '{"PeeringToken":"s3cret"}'];

const refusals: readonly [number, string][] = [
  [500, "TLS for gRPC must be enabled when generating peering tokens"],
  [403, "Permission denied"],
];

describe("a peering", () => {
  test("is established at the dialer with a token of the acceptor, named after datacenters", async () => {
    const { requests, secrets, problems } = await seedWith(good, [[200, "{}"]]);
    expect(requests).toEqual([
      'east: POST /v1/peering/token {"PeerName":"west"}',
      'west: POST /v1/peering/establish {"PeerName":"east","PeeringToken":"s3cret"}',
    ]);
    expect([secrets, problems]).toEqual([["s3cret"], []]);
  });

  test("is tried again with another token", async () => {
    const { requests, problems } = await seedWith(good, [
      [500, "failed to exchange peering secret"],
      [200, "{}"],
    ]);
    expect(requests).toHaveLength(4);
    expect(problems).toEqual([]);
  });

  test("is refused at its place if Consul won't ever establish it", async () => {
    for (const [status, said] of refusals)
      expect((await seedWith([status, said], [])).problems).toEqual([
        `cluster.yml:2:3: Consul refused \`peerings[0] (east and west)\`: ${status} ${said}`,
      ]);
  });

  test("that can't be established in time names both servers, and the last answer", async () => {
    const answer: [number, string] = [500, "failed to dial peer"];
    await expect(
      seedWith(
        good,
        Array.from({ length: 999 }, () => answer),
      ),
    ).rejects.toThrow(
      /^cluster.yml:2:3: `peerings\[0\] \(east and west\)` was not established; the last answer: 500 failed to dial peer\. .* east-server-1 and west-server-1\./,
    );
  });
});
