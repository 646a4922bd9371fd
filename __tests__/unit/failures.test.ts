/** Pure parts of what happens when something goes wrong, by value. */
import { describe, expect, test } from "vitest";
import { wordsOf } from "../../src/apply/config-check.ts";
import { isLeftBehind } from "../../src/destroy/left-behind.ts";
import { failureOf } from "../../src/docker/docker-error.ts";
import { mirrored } from "../../src/docker/find-image.ts";
import { jobLabels, labelNames } from "../../src/plan/labels.ts";
import { redact, secretsIn } from "../../src/report/redact.ts";

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
    ["run", "docker: something new", "other"],
  ] as const)("docker %s: %s", (command, said, failure) => {
    expect(failureOf([command, "x"], said)).toBe(failure);
  });
});

test("the second registry stands in for Docker Hub's hashicorp/consul only", () => {
  const mirrors = new Map([["hashicorp/consul", "example.org/consul"]]);
  expect(mirrored("hashicorp/consul:1.20", mirrors)).toBe("example.org/consul:1.20");
  expect(mirrored("docker.io/hashicorp/consul:1.20", mirrors)).toBe("example.org/consul:1.20");
  expect(mirrored("consul:1.4.4", mirrors)).toBeUndefined();
  expect(mirrored("example.net/hashicorp/consul:1.20", mirrors)).toBeUndefined();
});

describe("a cluster counts as left behind", () => {
  const env = {
    GITHUB_REPOSITORY: "org/repo",
    GITHUB_RUN_ID: "7",
    GITHUB_RUN_ATTEMPT: "1",
    GITHUB_JOB: "test",
    RUNNER_NAME: "runner",
    RUNNER_TEMP: "/home/runner/_work/_temp",
    RUNNER_TRACKING_ID: "github_00000000-0000-0000-0000-00000000000a",
  };
  const mine = jobLabels(env, "host");
  const theirs = (change: Partial<typeof env>, host = "host") =>
    jobLabels({ ...env, ...change }, host);
  const otherMark = { RUNNER_TRACKING_ID: "github_00000000-0000-0000-0000-00000000000b" };

  test.each([
    ["of an earlier run", theirs({ GITHUB_RUN_ID: "6" }), true],
    ["of an earlier attempt", theirs({ GITHUB_RUN_ATTEMPT: "0" }), true],
    ["of another job of the run", theirs({ GITHUB_JOB: "lint" }), true],
    ["of another job of a matrix", theirs(otherMark), true],
    ["of the running job", theirs({}), false],
    ["whose mark was overwritten", theirs({ RUNNER_TRACKING_ID: "0" }), false],
    ["of another runner", theirs({ GITHUB_RUN_ID: "6", RUNNER_NAME: "other" }), false],
    ["of a runner of that name elsewhere", theirs({ GITHUB_RUN_ID: "6" }, "other"), false],
    ["of one in another folder", theirs({ GITHUB_RUN_ID: "6", RUNNER_TEMP: "/b" }), false],
    ["kept", { ...theirs({ GITHUB_RUN_ID: "6" }), [labelNames.keep]: "true" }, false],
  ])("%s: %s", (_, labels, isLeft) => {
    expect(isLeftBehind(mine, labels)).toBe(isLeft);
  });

  test("never where the runner has no name", () => {
    const nameless = theirs({ RUNNER_NAME: "" });
    expect(isLeftBehind(nameless, theirs({ RUNNER_NAME: "", GITHUB_RUN_ID: "6" }))).toBe(false);
  });

  test("in job containers by the repository, as host and folder say nothing there", () => {
    const inside = { RUNNER_TEMP: "/__w/_temp" };
    const earlier = theirs({ ...inside, GITHUB_RUN_ID: "6" }, "abc");
    expect(isLeftBehind(theirs(inside, "def"), earlier)).toBe(true);
    const others = theirs({ ...inside, GITHUB_RUN_ID: "6", GITHUB_REPOSITORY: "org/x" }, "abc");
    expect(isLeftBehind(theirs(inside, "def"), others)).toBe(false);
  });
});

describe("Consul's words about a configuration", () => {
  test("come without the wrapping, with the position in the user's text", () => {
    const said =
      "Config validation failed: failed to parse /dev/stdin: At 2:6: object expected closing RBRACE got: EOF";
    expect(wordsOf(said)).toBe(
      "failed to parse config: At 2:6: object expected closing RBRACE got: EOF",
    );
  });
  test("are not seen in what docker says", () => {
    expect(wordsOf("exec: /bin/sh: no such file or directory")).toBeUndefined();
  });
});

describe("secrets", () => {
  const key = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
  test("are found in variables and in configuration", () => {
    const found = secretsIn(
      ["CONSUL_HTTP_TOKEN=abcdef-123", "CONSUL_DATA_DIR=/consul/data"],
      [
        `{"encrypt": "${key}", "log_level": "info"}`,
        'acl { tokens { agent_token = "t0ken-of-agent" } }',
      ],
    );
    expect(found).toEqual(["abcdef-123", key, "t0ken-of-agent"]);
  });
  test("are replaced wherever they stand", () => {
    expect(redact(`joined with ${key}!`, [key])).toBe("joined with ***!");
    expect(redact('encrypt = "short"', [])).toBe('encrypt = "***"');
    expect(redact('"-hcl={\\"encrypt\\":\\"abc=\\"}"', [])).toBe(
      '"-hcl={\\"encrypt\\":\\"***\\"}"',
    );
    const pem = "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----";
    expect(redact(`a ${pem} b`, [])).toBe("a *** b");
  });
  test("leave ordinary lines alone", () => {
    const line = "2026-11-23 [INFO] agent: Started DNS server: address=0.0.0.0:8600 network=udp";
    expect(redact(line, secretsIn(["CONSUL_BIND_INTERFACE=eth0"], []))).toBe(line);
  });
});
