import { describe, expect, test } from "vitest";
import { bootId, machine, ownContainer } from "../../../src/runner/machine.ts";

describe("the container of this process", () => {
  const id = "482bf25b456701215ebb5f04ec0bcf6ce4a081473c27e9d6c8862b689bde74eb";
  const root = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw";
  const mount = (from: string, to: string) => `404 310 254:0 ${from} ${to} rw - ext4 /dev/vda rw`;

  test.each([
    ["Docker", `/var/lib/docker/containers/${id}/hostname`],
    ["Docker on a file system of its own", `/containers/${id}/hostname`],
    ["Podman", `/var/lib/containers/storage/overlay-containers/${id}/userdata/hostname`],
  ])("%s", (_, from) => {
    expect(ownContainer(`${root}\n${mount(from, "/etc/hostname")}\n`)).toBe(id);
  });

  test.each([
    ["on a host", root],
    ["on a host that sees a container's mounts", mount(`/x/containers/${id}/mounts/shm`, "/x/shm")],
    [
      "with a host name from elsewhere",
      mount("/var/lib/kubelet/pods/1/etc-hosts", "/etc/hostname"),
    ],
    ["without /proc", ""],
  ])("none %s", (_, mounts) => {
    expect(ownContainer(mounts)).toBe("");
  });
});

test("machine and boot are hashes and IDs, or unknown", () => {
  expect(machine()).toMatch(/^([0-9a-f]{64})?$/);
  expect(bootId()).toMatch(/^([0-9a-f-]{36})?$/);
});
