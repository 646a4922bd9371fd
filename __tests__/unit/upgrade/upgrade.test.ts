import { describe, expect, test } from "vitest";
import { downgradeOf, refuseDowngrade } from "../../../src/upgrade/refusals.ts";
import { replacementArguments } from "../../../src/upgrade/replacement.ts";
import { isDue } from "../../../src/upgrade/step.ts";
import { inOrder } from "../../../src/upgrade/upgrade.ts";
import { facts, names, raft, three } from "../find/fixtures.ts";

describe("upgrade", () => {
  test("the new container is like the old one, of another image, on the cluster's network", () => {
    const defaults = { env: ["PATH=/bin"], labels: { "image.label": "1" } };
    const other = { NetworkID: "a99", IPAddress: "10.9.0.9", Aliases: ["web"] };
    const Networks = { app: other, ...facts.NetworkSettings.Networks };
    const HostConfig = { ...facts.HostConfig, ExtraHosts: ["host.docker.internal:host-gateway"] };
    const old = { ...facts, HostConfig, NetworkSettings: { Networks } };
    expect(replacementArguments(old, defaults, "hashicorp/consul:2.1")).toEqual([
      "--name=consul-c0ffee00-server-1",
      "--hostname=server-1",
      "--network=net",
      "--network-alias=server-1",
      "--add-host=host.docker.internal:host-gateway",
      '--label=consul-cluster-action.run=me/it "a", b',
      "--label=consul-cluster-action.network=net",
      '--mount="type=volume","source=f00d","destination=/consul/data"',
      "--publish=127.0.0.1:8500:8500/tcp",
      "--publish=127.0.0.1:8600:8600/udp",
      "--env=CONSUL_BIND_INTERFACE=eth0",
      "--env=A=b=c",
      "hashicorp/consul:2.1",
      "agent",
      '-hcl={"a": "$x"}',
    ]);
  });

  test("followers first, then the leader, then clients", () => {
    expect(names(inOrder([...three].reverse(), raft))).toEqual([
      "server-3",
      "server-2",
      "server-1",
      "client-1",
    ]);
  });

  test.each([
    ["1.22.0", "1.18.2", true],
    ["1.10.0", "1.9.17", true],
    ["1.8.7", "1.8.7-beta1", true],
    ["1.8.7", "1.8.7", false],
    ["1.8.7", "2.1.0", false],
    ["1.15.2", "1.15.2+ent", false],
  ])("from %s to %s is a downgrade: %s", (from, to, isDowngrade) => {
    const upgrade = (force: boolean) => () => refuseDowngrade(["1.0.0", from], [to], force);
    if (isDowngrade) expect(upgrade(false)).toThrow(`runs Consul ${from}, and ${to} is older`);
    else expect(upgrade(false)).not.toThrow();
    expect(upgrade(true)).not.toThrow();
  });

  test.each([
    [["1.18.2", "1.21.0"], ["1.20.6", "1.22.7"], undefined],
    [["1.18.2", "1.20.6"], ["1.20.6"], undefined],
    [["1.18.2", "1.22.7"], ["1.20.6"], { from: "1.22.7", to: "1.20.6" }],
    [["1.21.0", "1.22.7"], ["1.20.6", "1.22.7"], { from: "1.21.0", to: "1.20.6" }],
  ])("agents of %j that go to %j are downgraded: %j", (current, targets, downgrade) => {
    expect(downgradeOf(current, targets)).toEqual(downgrade);
  });

  test.each([
    ["1.20.6", "b", false, false],
    ["1.20.6", "a", false, true],
    ["1.18.2", "a", false, true],
    // It waits for a later stop.
    ["1.21.0", "a", false, false],
    ["1.21.0", "a", true, true],
  ])(
    "a node of version %s and image %s is due at 1.20.6, image b (downgrade: %s): %s",
    (version, image, isDowngrade, due) => {
      expect(isDue({ version, image }, { version: "1.20.6", id: "b" }, isDowngrade)).toBe(due);
    },
  );

  test.each([
    ["1.22.7", "1.18.2", true],
    ["1.19.2", "1.18.2", false],
    ["2.1.0", "1.22.7", false],
  ])(
    "the refusal of a downgrade from %s to %s says that Raft's log is lost: %s",
    (from, to, isLost) => {
      const said = expect(() => refuseDowngrade([from], [to], false));
      if (isLost) said.toThrow(/Data is lost: .* \(WAL\) that 1\.18\.2 does not read/);
      else said.not.toThrow("Data is lost");
    },
  );
});
