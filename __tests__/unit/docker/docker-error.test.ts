import { describe, expect, test } from "vitest";
import { commandFailed, failureOf } from "../../../src/docker/docker-error.ts";

/** Pure parts of what happens when something goes wrong, by value. */
describe("what a docker command failed of", () => {
  const cannotConnect =
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
  test.each([
    ["pull", "toomanyrequests: You have reached your pull rate limit.", "rate-limited"],
    ["pull", "received unexpected HTTP status: 503 Service Unavailable", "registry-unreachable"],
    ["pull", "error pulling image configuration: unexpected EOF", "registry-unreachable"],
    ["pull", "dial tcp: lookup registry-1.docker.io: no such host", "registry-unreachable"],
    ["pull", "net/http: TLS handshake timeout", "registry-unreachable"],
    ["pull", "manifest for consul:9.9 not found: manifest unknown: manifest unknown", "not-found"],
    ["pull", "no matching manifest for linux/amd64 in the manifest list entries", "wrong-platform"],
    ["pull", cannotConnect, "engine-unreachable"],
    ["run", cannotConnect, "engine-unreachable"],
    ["run", "docker: error during connect: Post http://x: EOF", "engine-unreachable"],
    ["run", "docker: unexpected EOF", "engine-unreachable"],
    ["run", "failed: port is already allocated.", "port-taken"],
    ["run", "mkdir /var/lib/docker/overlay2/x: no space left on device", "disk-full"],
    [
      "ps",
      "permission denied while trying to connect to the Docker daemon socket at unix:///x",
      "access-denied",
    ],
    [
      "network",
      "Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
      "no-free-subnet",
    ],
    [
      "network",
      "Error response from daemon: all predefined address pools have been fully subnetted",
      "no-free-subnet",
    ],
    ["run", "docker: something new", "other"],
  ] as const)("docker %s: %s", (command, said, failure) => {
    expect(failureOf([command, "x"], said)).toBe(failure);
  });
});

test("a network without a free address range: the message says how to get one", () => {
  const said = "could not find an available, non-overlapping IPv4 address pool among the defaults";
  const { title, message } = commandFailed(["network", "create", "x"], said, 1);
  expect(title).toBe("No address range left for a network");
  expect(message).toContain("docker network prune");
  expect(message).toContain("default-address-pools");
});
