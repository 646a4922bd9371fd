import { expect, test } from "vitest";
import { alive, failed, leaving, left } from "../../../src/consul/answers.ts";
import { aliveForAll, leftForAll } from "../../../src/find/gossip.ts";
import { agent, consulThatAnswers } from "./fixtures.ts";

/** What an agent sees: each member's status by node name. */
type View = Readonly<Record<string, number>>;

const ipOf = (node: string) => `10.0.${node.charCodeAt(0)}.${node.at(-1)}`;

/**
 * Agents that see these members.
 *
 * @param status - HTTP status with which a join is answered
 * @returns with the joins, each as `<node> joins <node>`
 */
async function agentsThatSee(views: Readonly<Record<string, View>>, status = 200) {
  const joins: string[] = [];
  const agents = Object.entries(views).map(async ([name, view]) => {
    const members = Object.entries(view).map(([Name, Status]) => {
      return { Name, Addr: ipOf(Name), Status, Tags: { build: "1.8.7", id: Name } };
    });
    const consul = await consulThatAnswers(({ url = "" }, answer) => {
      const [, ip] = /^\/v1\/agent\/join\/(.+)$/.exec(url) ?? [];
      if (ip === undefined) return answer.end(JSON.stringify(members));
      joins.push(`${name} joins ${Object.keys(views).find((each) => ipOf(each) === ip)}`);
      answer.writeHead(status).end("refused");
    });
    return { ...agent(name), consul };
  });
  return { agents: await Promise.all(agents), joins };
}

const everyone = { "server-1": alive, "client-1": alive, "client-2": alive };

test("if all have heard that a node is alive, none joins again", async () => {
  const views = { "server-1": everyone, "client-1": everyone, "client-2": everyone };
  const { agents, joins } = await agentsThatSee(views);
  const verdict = await aliveForAll(agents).look(agents);
  expect(verdict).toEqual({ status: "3 of 3 alive for all", failing: [] });
  expect(joins).toEqual([]);
});

test.each<[string, View]>([
  ["doesn't know it", { "server-1": alive, "client-2": alive }],
  ["sees it as failed", { ...everyone, "client-1": failed }],
  ["takes it as leaving", { ...everyone, "client-1": leaving }],
])("an agent joins one that %s", async (_, view) => {
  const views = { "server-1": everyone, "client-1": everyone, "client-2": view };
  const { agents, joins } = await agentsThatSee(views);
  const { failing } = await aliveForAll(agents).look(agents);
  expect(failing).toEqual(["client-2: not alive for all: client-1"]);
  expect(joins).toEqual(["client-1 joins client-2"]);
});

test("an agent that ran on joins a server that has forgotten all others", async () => {
  const ranOn = { "server-1": left, "client-1": alive, "client-2": alive };
  const views = { "server-1": { "server-1": alive }, "client-1": ranOn, "client-2": ranOn };
  const { agents, joins } = await agentsThatSee(views);
  await aliveForAll(agents).look(agents);
  expect(joins).toEqual(["server-1 joins client-1"]);
});

test("a server joins an agent that does not answer without one", async () => {
  const { agents, joins } = await agentsThatSee({
    "server-1": { "server-1": alive },
    "client-1": everyone,
  });
  const consul = await consulThatAnswers((_, answer) => {
    answer.writeHead(403).end("ACL not found");
  });
  const found = agents.map((each) =>
    each.node === "client-1" ? { ...each, consul, ip: ipOf("client-1") } : each,
  );
  await aliveForAll(found).look(found);
  expect(joins).toEqual(["server-1 joins client-1"]);
});

test("a join that fails is what the agent was last seen to answer", async () => {
  const views = { "server-1": everyone, "client-1": everyone, "client-2": { "client-2": alive } };
  const { agents } = await agentsThatSee(views, 500);
  const { failing } = await aliveForAll(agents).look(agents);
  expect(failing).toContain("server-1: 500 refused");
});

test("an agent that missed a leave does not join one that never heard of the node", async () => {
  const views = {
    "server-1": { ...everyone, "server-2": failed },
    "client-1": everyone,
    "client-2": { ...everyone, "server-2": left },
  };
  const { agents, joins } = await agentsThatSee(views);
  const { failing } = await leftForAll([agent("server-2")]).look(agents);
  expect(failing).toEqual(["server-1: still a member: server-2"]);
  expect(joins).toEqual(["server-1 joins client-2"]);
});

test("an agent that missed a leave joins one that knows of it; or two put together what they know", async () => {
  const gone = (status: number) => ({ ...everyone, "server-2": status });
  const look = async (...statuses: number[]) => {
    const views = Object.keys(everyone).map((node, i) => [node, gone(statuses[i] ?? left)]);
    const { agents, joins } = await agentsThatSee(Object.fromEntries(views));
    return { ...(await leftForAll([agent("server-2")]).look(agents)), joins };
  };
  expect(await look(left, left, left)).toMatchObject({ failing: [], joins: [] });
  expect(await look(left, left, failed)).toMatchObject({
    failing: ["client-2: still a member: server-2"],
    joins: ["client-2 joins server-1"],
  });
  expect((await look(failed, failed, failed)).joins).toEqual([]);
  expect((await look(leaving, leaving, alive)).joins).toEqual([]);
  // One knows that the node leaves, and another that it is gone.
  expect((await look(failed, alive, leaving)).joins).toEqual(["client-2 joins server-1"]);
});
