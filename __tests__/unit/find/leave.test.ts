import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { leave } from "../../../src/find/leave.ts";
import { agent, consulThatAnswers, fakeDocker } from "./fixtures.ts";

test("an agent that refuses to leave fails the step at once, with its answer", async () => {
  const consul = await consulThatAnswers((_, answer) => {
    answer.writeHead(403).end("Permission denied");
  });
  // The agent runs on.
  fakeDocker("exec sleep 60");
  const docker = new Engine(new AbortController().signal, () => {});
  await expect(leave(docker, { ...agent("server-2"), consul }, 3000)).rejects.toThrow(
    "server-2 refused to leave: 403 Permission denied.",
  );
});
