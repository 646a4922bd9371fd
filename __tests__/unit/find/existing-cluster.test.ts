import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTar } from "nanotar";
import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { findCluster } from "../../../src/find/existing-cluster.ts";
import { securityFolder } from "../../../src/plan/agent-config.ts";
import { labelNames } from "../../../src/plan/labels.ts";
import { facts, fakeDocker } from "./fixtures.ts";

const engine = `
echo "$*" >>calls
case "$1 $2" in
"ps --all") cat listing;;
"container inspect") cat facts;;
cp*) cat archive;;
esac
`;

/** A cluster of one stopped server. @param command - as the engine lists it */
async function found(command: string) {
  const folder = fakeDocker(engine);
  const labels = { [labelNames.role]: "server", [labelNames.node]: "server-1" };
  const Labels = { ...facts.Config.Labels, ...labels };
  const State = { ...facts.State, Running: false, Status: "exited" };
  const server = { ...facts, State, Config: { ...facts.Config, Labels } };
  writeFileSync(join(folder, "listing"), `${facts.Name}\tc0ffee00\tserver\t\t${command}\n`);
  writeFileSync(join(folder, "facts"), JSON.stringify([server]));
  const token = { name: `${securityFolder.slice(1)}/token`, data: "s3cret" };
  writeFileSync(join(folder, "archive"), createTar([token]));
  const docker = new Engine(new AbortController().signal, () => {});
  const { clusterId, agents, credentials } = await findCluster(docker, "c0ffee00", {});
  const calls = readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
  const copies = calls.filter((call) => call.startsWith(`cp ${facts.Name}:${securityFolder} `));
  const nodes = agents.map(({ node, state }) => `${node} ${state}`);
  return { clusterId, nodes, credentials, copies: copies.length };
}

const cluster = { clusterId: "c0ffee00", nodes: ["server-1 stopped"] };
const withToken = { ...cluster, credentials: { scheme: "http", token: "s3cret" }, copies: 1 };

test("an open cluster has no credentials, and the engine is not asked for any", async () => {
  const open = { ...cluster, credentials: { scheme: "http" }, copies: 0 };
  expect(await found('"docker-entrypoint.sh agent -node=server-1"')).toEqual(open);
});

test("a secured cluster's credentials are in a server's container", async () => {
  const command = `"docker-entrypoint.sh agent -config-file=${securityFolder}/agent.json"`;
  expect(await found(command)).toEqual(withToken);
});

test("an engine that lists no commands is asked for credentials", async () => {
  expect(await found("")).toEqual(withToken);
});
