import { describe, expect, test } from "vitest";
import { bootId, machine, ownContainers } from "../../../src/runner/machine.ts";

describe("the container of this process", () => {
  const id = "482bf25b456701215ebb5f04ec0bcf6ce4a081473c27e9d6c8862b689bde74eb";
  const other = id.replace("482b", "beef");
  const none = {
    mounts: "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
    cgroups: "1:name=systemd:/init.scope\n0::/",
    host: "runner-1",
  };
  const mount = (from: string, to = "/etc/hostname") =>
    `${none.mounts}\n404 310 254:0 ${from} ${to} rw - ext4 /dev/vda rw\n`;

  test.each([
    ["Docker", mount(`/var/lib/docker/containers/${id}/hostname`)],
    ["Docker on a file system of its own", mount(`/containers/${id}/hostname`)],
    ["Docker with another file as host name", mount(`/containers/${id}/hosts`, "/etc/hosts")],
    [
      "Podman",
      mount(
        `/var/lib/containers/storage/overlay-containers/${id}/userdata/resolv.conf`,
        "/etc/resolv.conf",
      ),
    ],
  ])("by its mounts: %s", (_, mounts) => {
    expect(ownContainers({ ...none, mounts })).toEqual([id]);
  });

  test.each([
    ["version 1", `12:memory:/docker/${id}\n0::/system.slice/containerd.service`],
    ["version 1 in a container", `12:memory:/docker/${other}/docker/${id}`],
    ["version 2", `0::/system.slice/docker-${id}.scope`],
    ["version 2 with systemd in the container", `0::/system.slice/docker-${id}.scope/init.scope`],
    ["podman", `0::/machine.slice/libpod-${id}.scope`],
  ])("by its control group: %s", (_, cgroups) => {
    expect(ownContainers({ ...none, cgroups })).toEqual([id]);
  });

  test("by its host name, if that is the start of an ID", () => {
    expect(ownContainers({ ...none, host: id.slice(0, 12) })).toEqual([id.slice(0, 12)]);
  });

  test("each ID once, the most certain first", () => {
    const mounts = mount(`/containers/${id}/hostname`);
    const cgroups = `0::/docker-${other}.scope`;
    expect(ownContainers({ mounts, cgroups, host: id.slice(0, 12) })).toEqual([id, other]);
  });

  test.each([
    ["on a host", none.mounts],
    ["on a host that sees a container's mounts", mount(`/x/containers/${id}/mounts/shm`, "/x/shm")],
    ["with a host name from elsewhere", mount("/var/lib/kubelet/pods/1/etc-hosts")],
    ["without /proc", ""],
  ])("none %s", (_, mounts) => {
    expect(ownContainers({ ...none, mounts })).toEqual([]);
  });
});

test("machine and boot are hashes and IDs, or unknown", () => {
  expect(machine()).toMatch(/^([0-9a-f]{64})?$/);
  expect(bootId()).toMatch(/^([0-9a-f-]{36})?$/);
});
