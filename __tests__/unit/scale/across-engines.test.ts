import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { Engines } from "../../../src/docker/engines.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import type { AgentPlan, AgentsPlan } from "../../../src/plan/plan.ts";
import { containersOf, makeReachable, placesFor } from "../../../src/scale/across-engines.ts";
import { agent, fakeDocker } from "../find/fixtures.ts";

function fake(script: string) {
  const folder = fakeDocker(`echo "$*" >> calls\n${script}`);
  const engine = new Engine(new AbortController().signal, () => {});
  const member = (name: string) => ({ name, engine: engine.on(name) });
  const calls = () => readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n");
  return { engine, engines: new Engines([member("a"), member("b")], "a"), calls };
}

const given = new Map(Object.entries(inputDefaults));
const plan: AgentsPlan = {
  spec: parseInputs((name) => given.get(name) ?? "").spec,
  prerequisites: {
    clusterId: "c0ffee00",
    jobLabels: {},
    image: { reference: "consul:1" },
    devTurnsConnectOn: false,
    nodeImages: new Map(),
    isOnNetwork: false,
    areNodeNamesTaken: false,
    freePorts: [],
  },
  network: "net",
  agents: [],
  knowsHost: true,
  isNew: false,
};

const newAgent = (isHere: boolean): AgentPlan => ({
  ...agent("client-3"),
  container: "consul-c0ffee00-client-3",
  publications: [{ name: "http", port: 40001, isFixed: false }],
  place: { engine: isHere ? "a" : "b", isHere, address: "10.0.1.200" },
});

test("a new node elsewhere gets a forwarder on the first engine, and is placed on its own", async () => {
  const { engines, calls } = fake("exit 0");
  const reachable = await makeReachable(engines, plan, newAgent(false));
  expect(reachable.publications).toEqual([{ name: "http", port: 40001, isFixed: false }]);
  const name = "consul-c0ffee00-forwarder-client-3";
  const ran = calls().filter((call) => call.includes(" run "));
  expect(ran).toEqual([
    expect.stringContaining(`--context=a run --detach --pull=never --name=${name}`),
  ]);
  expect(ran[0]).toContain("--publish=127.0.0.1:40001:40001/tcp");
  expect(calls()).toContain(`--context=a network connect net ${name}`);
  await engines.runContainer(["--name=consul-c0ffee00-client-3", "consul:1"]);
  expect(calls().at(-1)).toMatch(/^--context=b run .*client-3/);
});

test("one here needs none, and a cluster on one engine has no places", async () => {
  const { engine, engines, calls } = fake("exit 0");
  await makeReachable(engines, plan, newAgent(true));
  await engines.runContainer(["--name=consul-c0ffee00-client-3", "consul:1"]);
  expect(calls()).toEqual([expect.stringMatching(/^--context=a run .*client-3/)]);
  const cluster = {
    agents: [],
    network: "net",
    clusterId: "",
    credentials: { scheme: "http" },
  } as const;
  expect(await placesFor(engine, { ...cluster, addresses: new Map() }, [newAgent(true)])).toEqual(
    [],
  );
});

test("a node that goes takes its forwarder along, if it may have one", () => {
  const { engine, engines } = fake("exit 0");
  const node = newAgent(false);
  expect(containersOf(engine, "c0ffee00", node)).toEqual(["consul-c0ffee00-client-3"]);
  expect(containersOf(engines, "c0ffee00", node)).toEqual([
    "consul-c0ffee00-client-3",
    "consul-c0ffee00-forwarder-client-3",
  ]);
});

test("new nodes get addresses that neither members nor stopped nodes have", async () => {
  const { engines } = fake(`
case "$*" in
*"network inspect --format="*) echo '{"Driver":"overlay","Attachable":true,"Ranges":[{"Subnet":"10.0.1.0/24","Gateway":"10.0.1.1"}]}';;
*"network inspect --verbose"*) echo '[{"Containers":{"c":{"Name":"x","IPv4Address":"10.0.1.254/24","MacAddress":""}}}]';;
*) exit 0;;
esac`);
  const present = [{ ...agent("server-1"), engine: "a" }];
  const cluster = { network: "net", clusterId: "", credentials: { scheme: "http" } } as const;
  const places = await placesFor(engines, { ...cluster, agents: present, addresses: new Map() }, [
    newAgent(true),
  ]);
  expect(places).toEqual([{ engine: "b", isHere: false, address: "10.0.1.253" }]);
});
