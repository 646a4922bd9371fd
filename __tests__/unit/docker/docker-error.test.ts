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
    // CLI 20.10 to 28, and 29.
    [
      "ps",
      'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/json": dial unix /var/run/docker.sock: connect: permission denied',
      "access-denied",
    ],
    [
      "pull",
      "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
      "access-denied",
    ],
    [
      "cp",
      "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
      "engine-unreachable",
    ],
    [
      "pull",
      "failed to connect to the docker API at tcp://engine.invalid:2375: lookup engine.invalid: no such host",
      "engine-unreachable",
    ],
    [
      "ps",
      'Get "http://127.0.0.1:2376/v1.51/containers/json": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15\\x03".\n* Are you trying to connect to a TLS-enabled daemon without TLS?',
      "engine-unreachable",
    ],
    // Docker 29's containerd image store.
    [
      "pull",
      'Error response from daemon: failed to resolve reference "docker.io/hashicorp/consul:1.4.4": docker.io/hashicorp/consul:1.4.4: not found',
      "not-found",
    ],
    [
      "pull",
      "Error response from daemon: pull access denied for nope/nope, repository does not exist or may require 'docker login'",
      "not-found",
    ],
    [
      "pull",
      "no matching manifest for linux/arm64/v8 in the manifest list entries: no match for platform in manifest: not found",
      "wrong-platform",
    ],
    [
      "pull",
      'failed to resolve reference "127.0.0.1:5000/consul:1": unexpected status from HEAD request to http://127.0.0.1:5000/v2/consul/manifests/1: 503 Service Unavailable',
      "registry-unreachable",
    ],
    [
      "pull",
      'failed to resolve reference "127.0.0.1:9/consul:1": failed to do request: Head "https://127.0.0.1:9/v2/consul/manifests/1": dial tcp 127.0.0.1:9: connect: connection refused',
      "registry-unreachable",
    ],
    [
      "pull",
      "Error response from daemon: error from registry: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
      "rate-limited",
    ],
    // Podman 5.4 behind the docker CLI.
    [
      "image",
      "Error response from daemon: failed to find image nope:1: docker.io/library/nope:1: No such image",
      "not-found",
    ],
    [
      "container",
      'Error response from daemon: no container with name or ID "nope" found: no such container',
      "not-found",
    ],
    [
      "network",
      "Error response from daemon: unable to find network with name or ID nope: network not found",
      "not-found",
    ],
    ["cp", "Error response from daemon: no such file or directory", "not-found"],
    [
      "run",
      "docker: Error response from daemon: unable to derive the IP value for host-gateway",
      "no-host-gateway",
    ],
    [
      "create",
      'Error response from daemon: invalid IP address in add-host: "host-gateway"',
      "no-host-gateway",
    ],
    [
      "network",
      'Error response from daemon: "n1" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used',
      "network-in-use",
    ],
    [
      "run",
      "docker: Error response from daemon: cannot listen on the TCP port: listen tcp4 127.0.0.1:8500: bind: address already in use.",
      "port-taken",
    ],
    [
      "pull",
      'Error response from daemon: {"message":"connection refused"}',
      "registry-unreachable",
    ],
    // Docker 26.1, rootless, without control groups.
    [
      "pause",
      "Error response from daemon: cannot pause container 7603ed690e1d: OCI runtime pause failed: cannot toggle freezer: cgroups not configured for container: unknown",
      "no-freezer",
    ],
    // Docker 20.10 with version 1 of control groups, on a busy machine.
    [
      "pause",
      "Error response from daemon: Cannot pause container 96f6ae9425d3: OCI runtime pause failed: unable to freeze: unknown",
      "not-frozen",
    ],
    // A program in a container may miss a file, too.
    ["run", "sh: can't open 'x': no such file or directory", "other"],
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
