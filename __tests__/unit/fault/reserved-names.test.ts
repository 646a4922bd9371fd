import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { releaseNames } from "../../../src/fault/reserved-names.ts";
import type { FaultStep } from "../../../src/fault/step.ts";
import { agent, consulThatAnswers, facts, fakeDocker } from "../find/fixtures.ts";

/** A running server-1 of this version, whose answer to a deregistration has this status. */
async function runningServer(version: string, status = 200) {
  const asked: string[] = [];
  const consul = await consulThatAnswers((request, answer) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const isQuestion = request.method === "GET";
      if (!isQuestion) asked.push(`${request.url} ${Buffer.concat(chunks)}`);
      const tags = { build: `${version}:0c1ad0a8`, id: "1" };
      const members = [{ Name: "server-1", Addr: "10.0.0.2", Status: 1, Tags: tags }];
      answer.writeHead(isQuestion ? 200 : status);
      answer.end(isQuestion ? JSON.stringify(members) : "No cluster leader");
    });
  });
  return { asked, found: { ...agent("server-1"), consul } };
}

/** client-1 has lost its data, client-2 has not. */
function stepWith(server: ReturnType<typeof agent>): FaultStep {
  fakeDocker(
    `case "$*" in *client-1*) echo "Error: Could not find the file in container" >&2; exit 1;; esac`,
  );
  const canceled = new AbortController().signal;
  const docker = new Engine(canceled, () => {});
  const hit = [agent("client-1", "stopped"), agent("client-2", "stopped")];
  const cluster = {
    ...{ clusterId: "c0ffee00", network: "net", agents: [server, ...hit] },
    ...{ credentials: { scheme: "http" as const }, addresses: new Map() },
  };
  return { docker, cleanup: docker, timeout: 1000, canceled, cluster, hit, toolsImage: "" };
}

test.each([
  ["1.4.4", ['/v1/catalog/deregister {"Node":"client-1"}']],
  ["1.5.0", ['/v1/catalog/deregister {"Node":"client-1"}']],
  ["1.5.1", []],
  ["2.1.0-dev", []],
])("Consul %s is told to forget nodes that lost their data: %j", async (version, expected) => {
  const { asked, found } = await runningServer(version);
  await releaseNames(stepWith(found));
  expect(asked).toEqual(expected);
});

test("without a leader the step fails, and names the node and what to start first", async () => {
  const { found } = await runningServer("1.4.4", 500);
  await expect(releaseNames(stepWith(found))).rejects.toThrow(
    /^client-1 lost its data, .* Consul 1\.4\.4 refuses .* server-1 answered: 500 No cluster leader\. Start servers that have their data first, then client-1\./,
  );
});

test("without a running server the image's tag tells the version", async () => {
  const down = (image: string) => {
    const Config = { ...facts.Config, Image: image };
    return { ...agent("server-1", "stopped"), facts: { ...facts, Config } };
  };
  await expect(releaseNames(stepWith(down("consul:1.4.4")))).rejects.toThrow(
    "no server is running",
  );
  await expect(releaseNames(stepWith(down("consul:1.22")))).resolves.toBeUndefined();
  await expect(releaseNames(stepWith(down("mine:latest")))).resolves.toBeUndefined();
});
