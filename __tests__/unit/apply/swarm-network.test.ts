import { expect, test } from "vitest";
import { newNetwork } from "../../../src/apply/network.ts";
import { chooseSwarmNetwork, placeIn, plainTextNote } from "../../../src/apply/swarm-network.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { Engines } from "../../../src/docker/engines.ts";
import { facts, fakeDocker } from "../find/fixtures.ts";

/** A network of 16 addresses: one on each engine has an address, and a stopped container keeps one. */
const network = {
  kind: "overlay true",
  ranges: [
    { Subnet: "fd00::/64" },
    {
      Subnet: "192.0.2.0/28",
      Gateway: "192.0.2.14",
      AuxiliaryAddresses: { printer: "192.0.2.13" },
    },
  ],
};

const verbose = (ip: string, taskIp: string) =>
  JSON.stringify([
    {
      Containers: { c1: { Name: "one", IPv4Address: `${ip}/28`, MacAddress: "" } },
      Services: { "": { VIP: "<nil>", Tasks: [{ EndpointIP: taskIp }] } },
    },
  ]);

const stopped = {
  ...facts,
  NetworkSettings: {
    Networks: {
      mine: { NetworkID: "4e7", IPAddress: "", IPAMConfig: { IPv4Address: "192.0.2.10" } },
    },
  },
};

function enginesWith({ kind, ranges }: { kind: string; ranges: readonly unknown[] }): Engines {
  const [driver = "", attachable = ""] = kind.split(" ");
  const described = `{"Driver":"${driver}","Attachable":${attachable},"Ranges":${JSON.stringify(ranges)}}`;
  const missing = 'echo "Error: No such network: mine" >&2; exit 1';
  fakeDocker(`
case "$*" in
*"network inspect --format="*) ${kind === "" ? missing : `echo '${described}'`};;
"--context=a network inspect --verbose"*) echo '${verbose("192.0.2.2", "192.0.2.12")}';;
"--context=b network inspect --verbose"*) echo "Error response from daemon: network mine not found" >&2; exit 1;;
"--context=a ps"*) exit 0;;
"--context=b ps"*) echo sleeper;;
*"inspect"*) echo '${JSON.stringify([stopped]).replaceAll("'", "")}';;
*) echo "unexpected: $*" >&2; exit 1;;
esac`);
  const engine = new Engine(new AbortController().signal, () => {});
  const member = (name: string) => ({ name, engine: engine.on(name) });
  return new Engines([member("a"), member("b")], "a");
}

const spec = (name: string, servers: number) => ({
  network: name,
  datacenters: [
    { name: "dc1", federation: "dc1", dials: [], servers, clients: 0, storage: "disk", config: "" },
  ] as const,
});

const choose = (engines: Engines, name: string, servers = 3) =>
  chooseSwarmNetwork(engines, spec(name, servers), undefined);

test("without a network of the user's, the cluster makes one", async () => {
  expect(await choose(enginesWith(network), "")).toBe(newNetwork);
});

test("the user's must be an attachable overlay network", async () => {
  expect(await choose(enginesWith(network), "mine")).toMatchObject({ network: "mine" });
  for (const kind of ["bridge false", "overlay false"])
    expect(await choose(enginesWith({ ...network, kind }), "mine")).toMatchObject({
      input: "network",
      message: expect.stringMatching(/must be an attachable overlay .* and that is none/),
    });
  expect(await choose(enginesWith({ ...network, kind: "" }), "mine")).toMatchObject({
    message: expect.stringContaining("the swarm has no such network"),
  });
});

test("fixed addresses in it are free: of members, tasks elsewhere, stopped containers, the gateway", async () => {
  const place = await placeIn(enginesWith(network), "mine", 3);
  expect(place.subnet).toBe("192.0.2.0/28");
  expect(place.engines).toEqual(["a", "b"]);
  for (const address of [2, 10, 12, 13, 14]) expect(place.taken).toContain(`192.0.2.${address}`);
});

test("a network with too few free addresses is refused, with how many are free", async () => {
  expect(await choose(enginesWith(network), "mine", 8)).toMatchObject({ network: "mine" });
  expect(await choose(enginesWith(network), "mine", 9)).toMatchObject({
    input: "network",
    message: expect.stringContaining(
      "where 8 of the addresses 192.0.2.0/28 are free, and 9 agents need a fixed one each",
    ),
  });
  await expect(placeIn(enginesWith(network), "mine", 9)).rejects.toThrow(
    "start the cluster with `network: my-network`",
  );
  const onlyIpv6 = { ...network, ranges: [{ Subnet: "fd00::/64" }] };
  expect(await choose(enginesWith(onlyIpv6), "mine")).toMatchObject({
    message: expect.stringContaining("has no IPv4 addresses"),
  });
});

test("a job container is refused, unless it has the machine's network", async () => {
  const engines = enginesWith(network);
  const job = (mode: string) => ({
    ...facts,
    Name: "job",
    HostConfig: { ...facts.HostConfig, NetworkMode: mode },
  });
  await expect(chooseSwarmNetwork(engines, spec("", 3), job("bridge"))).rejects.toThrow(
    "This step runs in the container job.",
  );
  expect(await chooseSwarmNetwork(engines, spec("", 3), job("host"))).toBe(newNetwork);
});

test("encryption by the agents is recommended, unless there is all of it", () => {
  const security = { acl: false, gossipEncryption: true, tls: false } as const;
  expect(plainTextNote(security)).toContain("plain text");
  expect(plainTextNote({ ...security, tls: { isMutual: false, ca: undefined } })).toBeUndefined();
});
