import { describe, expect, test } from "vitest";
import { aclGate, announcedGate } from "../../../src/ready/legacy-acls.ts";
import { agent, consulThatAnswers, withAnswers } from "../find/fixtures.ts";

describe("agents know tokens in the way of the new ACLs", () => {
  const known = (acl: string) =>
    withAnswers({ "/v1/agent/self": { Stats: { consul: { acl } } } }, (consul) =>
      aclGate.look([agent("server-1"), agent("client-1")].map((each) => ({ ...each, consul }))),
    );

  test("not in the legacy mode", async () => {
    expect(await known("legacy")).toEqual({
      status: "0 of 2 with ACLs",
      failing: ["server-1: in the legacy mode of ACLs", "client-1: in the legacy mode of ACLs"],
    });
  });

  test("out of it", async () => {
    expect(await known("enabled")).toEqual({ status: "2 of 2 with ACLs", failing: [] });
  });
});

describe("an agent has heard that servers know the new ACLs", () => {
  const ips = { "server-1": "10.0.0.1", "server-2": "10.0.0.2", "client-1": "10.0.0.3" };

  /** What an agent sees: each member's tag `acls` by node name. */
  type View = Readonly<Record<keyof typeof ips, string>>;

  async function lookOf(views: Readonly<Record<keyof typeof ips, View>>) {
    const joins: string[] = [];
    const agents = Object.entries(views).map(async ([name, view]) => {
      const members = Object.entries(view).map(([Name, acls]) => {
        const Addr = Object.entries(ips).find(([node]) => node === Name)?.[1];
        return { Name, Addr, Status: 1, Tags: { build: "1.8.7", id: Name, acls } };
      });
      const consul = await consulThatAnswers(({ url = "" }, answer) => {
        const [, ip] = /^\/v1\/agent\/join\/(.+)$/.exec(url) ?? [];
        if (ip !== undefined) joins.push(`${name} joins ${ip}`);
        answer.end(ip === undefined ? JSON.stringify(members) : "");
      });
      return { ...agent(name), consul };
    });
    return { ...(await announcedGate.look(await Promise.all(agents))), joins };
  }

  const all = { "server-1": "1", "server-2": "1", "client-1": "1" };
  const missed = { "server-1": "1", "server-2": "2", "client-1": "2" };

  test("all have, whatever a client agent's own mode is", async () => {
    const own = { ...all, "client-1": "2" };
    expect(await lookOf({ "server-1": own, "server-2": own, "client-1": own })).toEqual({
      status: "",
      failing: [],
      joins: [],
    });
  });

  test("one that has not joins the server", async () => {
    expect(await lookOf({ "server-1": all, "server-2": all, "client-1": missed })).toEqual({
      status: "2 of 3 know that the servers know the new ACLs",
      failing: ["client-1: not heard of server-2"],
      joins: ["client-1 joins 10.0.0.2"],
    });
  });

  test("nobody joins a server that has announced nothing yet", async () => {
    const look = await lookOf({ "server-1": missed, "server-2": missed, "client-1": missed });
    expect(look.joins).toEqual([]);
    expect(look.failing).toHaveLength(3);
  });
});
