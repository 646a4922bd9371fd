import { json } from "node:stream/consumers";
import { expect, test } from "vitest";
import * as z from "zod";
import { Engine } from "../../../src/docker/engine.ts";
import { leave, outOfCatalog } from "../../../src/find/leave.ts";
import { agent, consulThatAnswers, fakeDocker } from "./fixtures.ts";

test("an agent that refuses to leave fails the step at once, with its answer", async () => {
  const consul = await consulThatAnswers((_, answer) => {
    answer.writeHead(403).end("Permission denied");
  });
  // The agent runs on.
  fakeDocker("exec sleep 60");
  const { signal } = new AbortController();
  const docker = new Engine(signal, () => {});
  const limits = { timeout: 3000, signal };
  await expect(leave(docker, { ...agent("server-2"), consul }, limits)).rejects.toThrow(
    "server-2 refused to leave: 403 Permission denied.",
  );
});

test("a canceled step does not wait for an agent that is leaving: a server takes longer than the runner waits", async () => {
  const canceled = new AbortController();
  const consul = await consulThatAnswers(() => canceled.abort(new Error("Canceled")));
  fakeDocker("exec sleep 60");
  const docker = new Engine(canceled.signal, () => {});
  const limits = { timeout: 60_000, signal: canceled.signal };
  await expect(leave(docker, { ...agent("server-2"), consul }, limits)).rejects.toThrow("Canceled");
});

test("a node that its agent's last sync put back into the catalog is removed again", async () => {
  const catalog = new Set(["server-1", "client-1", "client-2"]);
  const removed = z.object({ Node: z.string() });
  const consul = await consulThatAnswers(async (request, answer) => {
    if (request.method === "PUT") catalog.delete(removed.parse(await json(request)).Node);
    answer.end(JSON.stringify(request.method === "PUT" || [...catalog].map((Node) => ({ Node }))));
  });
  const gate = outOfCatalog([agent("client-1"), agent("client-2")]);
  const asked = [{ ...agent("server-1"), consul }];
  expect((await gate.look(asked)).failing).toEqual([
    "server-1: still in the catalog: client-1, client-2",
  ]);
  expect((await gate.look(asked)).failing).toEqual([]);
  expect([...catalog]).toEqual(["server-1"]);
});
