/** What the gates on peerings make of what both sides answer. */
import type { RequestListener } from "node:http";
import { afterEach, describe, expect, test, vi } from "vitest";
import { peeringGates, peeringsOf } from "../../../src/ready/peerings.ts";
import { agent, consulThatAnswers } from "../find/fixtures.ts";

const peers = { acceptor: "east", dialer: "west" };

const instance = (id: string, statuses: readonly string[], more: object = {}) => ({
  Node: { Node: "client-1", Address: "10.0.0.4" },
  Service: { ID: id, Address: "", ...more },
  Checks: statuses.map((Status) => ({
    ...{ Node: "client-1", CheckID: "c", Name: "c", Output: "", ServiceID: "" },
    Status,
  })),
});

type Answers = Readonly<Record<string, unknown>>;

/** What there is to be seen if all is well: east exports `web` to west, which is all that it has. */
const east: Answers = {
  "GET /v1/peering/west": { State: "ACTIVE" },
  "GET /v1/config/exported-services": [
    {
      Services: [
        { Name: "web", Consumers: [{ Peer: "west" }] },
        { Name: "hidden", Consumers: [{ Peer: "north" }, { Partition: "west" }] },
        { Name: "elsewhere", Namespace: "team", Consumers: [{ Peer: "west" }] },
      ],
    },
  ],
  "GET /v1/health/service/web?consistent=": [
    instance("web", ["passing", "passing"]),
    instance("web-2", ["passing", "critical"]),
  ],
};
const west: Answers = {
  "GET /v1/peering/east": { State: "ACTIVE" },
  "GET /v1/config/exported-services": [],
  "GET /v1/health/service/web?stale=&peer=east": [
    instance("web", ["passing"]),
    instance("web-2", ["critical"]),
  ],
};

const asked: string[] = [];
afterEach(() => asked.splice(0));

function answering(answers: Answers): RequestListener {
  return (request, response) => {
    const key = `${request.method} ${request.url}`;
    asked.push(key);
    const answer = answers[key];
    if (answer === undefined) response.writeHead(404).end();
    else response.end(JSON.stringify(answer));
  };
}

const server = async (datacenter: string, answers: Answers, node = `${datacenter}-server-1`) => {
  const consul = await consulThatAnswers(answering(answers));
  return { ...agent(node), role: "server" as const, datacenter, federation: datacenter, consul };
};

async function gates(there: Answers = {}, here: Answers = {}) {
  const agents = [
    await server("east", { ...east, ...there }),
    await server("west", { ...west, ...here }),
  ];
  return peeringGates(peeringsOf([peers], agents));
}

async function failing(there: Answers = {}, here: Answers = {}) {
  const verdicts = await Promise.all((await gates(there, here)).map((gate) => gate.look([])));
  return verdicts.map((verdict) => verdict.failing);
}

test("without peerings, or without servers on both sides, there is nothing to ask", async () => {
  expect(peeringGates([])).toEqual([]);
  expect(peeringsOf([peers], [await server("east", east)])).toEqual([]);
});

describe("a peering", () => {
  test("is there if both sides say so, and the other's exports are seen", async () => {
    expect(await failing()).toEqual([[], []]);
  });

  test.each<[Answers, Answers, string[]]>([
    [
      { "GET /v1/peering/west": { State: "PENDING" } },
      {},
      ["east-server-1: the peering with west is PENDING"],
    ],
    [
      {},
      { "GET /v1/peering/east": { State: "FAILING" } },
      ["west-server-1: the peering with east is FAILING"],
    ],
    [
      {},
      { "GET /v1/peering/east": undefined },
      ["west-server-1: the peering with east is not there"],
    ],
  ])("is not active as long as one side does not say so (%#)", async (there, here, expected) => {
    expect((await failing(there, here))[0]).toEqual(expected);
  });

  test.each<[object[], string[]]>([
    [
      [],
      [
        "west-server-1: does not show that web on client-1 is passing in east",
        "west-server-1: does not show that web-2 on client-1 is critical in east",
      ],
    ],
    [
      [instance("web", ["passing"]), instance("web-2", ["passing"])],
      [
        "west-server-1: does not show that web-2 on client-1 is critical in east",
        "west-server-1: shows that web-2 on client-1 is passing, which it is not in east",
      ],
    ],
    [[instance("web", []), instance("web-2", ["maintenance"])], []],
  ])("shows what is exported, with the worst of its health (%#)", async (seen, expected) => {
    const here = { "GET /v1/health/service/web?stale=&peer=east": seen };
    expect((await failing({}, here))[1]).toEqual(expected);
  });

  test("exports everything but proxies and Consul itself with *", async () => {
    const all = [{ Services: [{ Name: "*", Consumers: [{ Peer: "west" }] }] }];
    const verdicts = await failing(
      {
        "GET /v1/config/exported-services": all,
        "GET /v1/catalog/services?stale=": { consul: [], web: [], "web-sidecar-proxy": [] },
        "GET /v1/health/service/web-sidecar-proxy?consistent=": [
          instance("proxy", ["passing"], { Kind: "connect-proxy" }),
        ],
      },
      { "GET /v1/health/service/web-sidecar-proxy?stale=&peer=east": [] },
    );
    expect(verdicts).toEqual([[], []]);
  });

  test.each<[Answers, Answers]>([
    [{ "GET /v1/peering/west": undefined }, { "GET /v1/peering/east": { State: "TERMINATED" } }],
    [{ "GET /v1/peering/west": { State: "DELETING" } }, {}],
    [{ "GET /v1/peering/west": undefined }, { "GET /v1/peering/east": undefined }],
  ])("that the job has deleted stays so, and nothing is to be seen (%#)", async (there, here) => {
    const nothing = { "GET /v1/health/service/web?stale=&peer=east": [] };
    const all = await gates(there, { ...here, ...nothing });
    const failing: string[] = [];
    for (const gate of all) failing.push(...(await gate.look([])).failing);
    expect(failing).toEqual([]);
  });

  test("is established again if it stays away, and only then", async () => {
    const [gate] = await gates(
      {
        "GET /v1/peering/west": { State: "FAILING" },
        "POST /v1/peering/token": { PeeringToken: "t" },
      },
      { "GET /v1/peering/east": { State: "FAILING" }, "POST /v1/peering/establish": {} },
    );
    const clock = vi.spyOn(performance, "now");
    const lookAt = async (milliseconds: number) => {
      clock.mockReturnValue(milliseconds);
      await gate?.look([]);
      return asked.splice(0).filter((each) => each.startsWith("POST"));
    };
    const both = ["POST /v1/peering/token", "POST /v1/peering/establish"];
    expect(await lookAt(1000)).toEqual([]);
    expect(await lookAt(6900)).toEqual([]);
    expect(await lookAt(7100)).toEqual(both);
    expect(await lookAt(7200)).toEqual([]);
    expect(await lookAt(13_200)).toEqual(both);
    clock.mockRestore();
  });
});
