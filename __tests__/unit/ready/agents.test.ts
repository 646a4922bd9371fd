import { expect, test } from "vitest";
import { ConsulError } from "../../../src/consul/http.ts";
import { answerOf } from "../../../src/ready/agents.ts";
import { agent } from "../find/fixtures.ts";

const { signal } = new AbortController();

test("an agent that fails to answer is asked again until it does", async () => {
  const answers = ["no answer within 2 s", "500 No cluster leader"];
  const question = async () => {
    const refusal = answers.shift();
    if (refusal !== undefined) throw new ConsulError(refusal);
    return "answer";
  };
  const limits = { timeout: 60_000, signal };
  expect(await answerOf(agent("server-1"), "answer", question, limits)).toBe("answer");
});

test("when time is up, the message names the agent, the question, and the last answer", async () => {
  const question = () => Promise.reject(new ConsulError("500 No cluster leader"));
  const waiting = answerOf(agent("server-2"), "list its members", question, {
    timeout: 30,
    signal,
  });
  await expect(waiting).rejects.toThrow(
    "server-2 did not list its members within 0.03 s. Its last answer: 500 No cluster leader",
  );
});

test("anything but a failed request is not asked again", async () => {
  const question = () => Promise.reject(new TypeError("a bug"));
  const waiting = answerOf(agent("server-1"), "answer", question, { timeout: 60_000, signal });
  await expect(waiting).rejects.toThrow(TypeError);
});
