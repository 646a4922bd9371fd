import { describe, expect, test } from "vitest";
import { addressOfHost } from "../../../src/apply/host-address.ts";

describe("the runner's address in an agent's hosts file", () => {
  const docker = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
172.17.0.1\thost.docker.internal
172.18.0.2\tserver-1
`;
  test.each([
    ["of Docker", docker, "172.17.0.1"],
    [
      "of podman",
      "10.89.0.1\thost.containers.internal host.docker.internal # podman\n",
      "10.89.0.1",
    ],
    [
      "with both families",
      "fd00::1 host.docker.internal\n10.0.0.1 host.docker.internal\n",
      "10.0.0.1",
    ],
    ["with IPv6 only", "fd00::1 host.docker.internal\n", "fd00::1"],
    // Docker 20.10 without its default bridge.
    ["without an address", "<nil>\thost.docker.internal\n", ""],
    ["with a comment", "# 10.0.0.1 host.docker.internal\n", ""],
    ["with other names", "10.0.0.1 my-host.docker.internal\n", ""],
    ["that is empty", "", ""],
  ])("%s", (_, hosts, expected) => {
    expect(addressOfHost(hosts)).toBe(expected);
  });
});
