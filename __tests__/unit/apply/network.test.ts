import { writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chooseNetwork, newNetwork } from "../../../src/apply/network.ts";
import type { ContainerFacts } from "../../../src/docker/answers.ts";
import type { Docker } from "../../../src/docker/docker.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { facts, fakeDocker } from "../find/fixtures.ts";

const [own] = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
const me = { Name: "job", IPv4Address: `${own?.address}/16`, MacAddress: own?.mac ?? "" };

/** An engine with these networks, by name, each with its only container. */
function engineWith(networks: Readonly<Record<string, typeof me>>, components = "Engine"): Docker {
  const folder = fakeDocker(`
case "$1 $2" in
  "network inspect") cat "net-$3" 2>/dev/null || { echo "Error: No such network: $3" >&2; exit 1; } ;;
  "version "*) printf "linux/amd64\\n${components}\\n" ;;
esac`);
  for (const [name, member] of Object.entries(networks))
    writeFileSync(join(folder, `net-${name}`), JSON.stringify([{ Containers: { id: member } }]));
  return new Engine(new AbortController().signal, () => {});
}

/** A container on these networks. @param mode - its network mode */
function containerOn(names: readonly string[], mode = "bridge"): ContainerFacts {
  const endpoint = { NetworkID: "1", IPAddress: own?.address ?? "" };
  const Networks = Object.fromEntries(names.map((name) => [name, endpoint]));
  const HostConfig = { ...facts.HostConfig, NetworkMode: mode };
  return { ...facts, Name: "job", HostConfig, NetworkSettings: { Networks } };
}

const none = { network: "", jobNetwork: "" };
const joined = (network: string, isOnNetwork: boolean) => {
  return { network, isOnNetwork, areNodeNamesTaken: false };
};

test("a step on a machine makes a network, and asks the engine nothing", async () => {
  expect(await chooseNetwork(engineWith({}), none, undefined)).toBe(newNetwork);
});

test("of a container's networks, the one is joined that has this process", async () => {
  const other = { ...me, IPv4Address: "10.1.1.1/16" };
  const docker = engineWith({ a: other, b: me, c: me });
  const container = containerOn(["a", "b", "bridge", "c"]);
  expect(await chooseNetwork(docker, none, container)).toEqual(joined("b", true));
});

test("a network whose containers have no MAC address of their own is recognized", async () => {
  const docker = engineWith({ ipvlan: { ...me, MacAddress: "" } });
  expect(await chooseNetwork(docker, none, containerOn(["ipvlan"]))).toEqual(
    joined("ipvlan", true),
  );
});

test.each(["host", "container:0123"])(
  "a container with the network mode %s makes one",
  async (mode) => {
    expect(await chooseNetwork(engineWith({}), none, containerOn([], mode))).toBe(newNetwork);
  },
);

test("podman's default network has no names, and another engine's network `podman` has", async () => {
  const container = containerOn(["podman"]);
  await expect(
    chooseNetwork(engineWith({ podman: me }, "Podman Engine"), none, container),
  ).rejects.toThrow("which is only on podman, where");
  expect(await chooseNetwork(engineWith({ podman: me }), none, container)).toEqual(
    joined("podman", true),
  );
});

test("the user's network wins, and the job's comes before the container's", async () => {
  const docker = engineWith({ mine: me, job: me, own: me });
  const container = containerOn(["own"]);
  const choice = (spec: Partial<typeof none>) =>
    chooseNetwork(docker, { ...none, ...spec }, container);
  expect(await choice({ network: "mine", jobNetwork: "job" })).toEqual(joined("mine", true));
  expect(await choice({ jobNetwork: "job" })).toEqual(joined("job", true));
  expect(await choice({ jobNetwork: "gone" })).toEqual(joined("own", true));
  expect(await choice({ network: "gone" })).toMatchObject({ input: "network" });
});
