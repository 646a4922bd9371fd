import { expect, test } from "vitest";
import { raftOf } from "../../../src/find/raft.ts";
import { agent, raftAnswer, withAnswers } from "./fixtures.ts";

test("a voter that the leader has never seen as a member is known by its address", async () => {
  const peers = raftAnswer(["a", "server-1", "10.0.0.1"], ["d", "(unknown)", "10.0.0.4"]);
  const known = await withAnswers({ "/v1/operator/raft/configuration": peers }, (consul) =>
    raftOf([{ ...agent("server-1"), consul }], new Map([["server-4", "10.0.0.4"]])),
  );
  expect(known).toEqual({ leader: "server-1", voters: ["server-1", "server-4"] });
});
