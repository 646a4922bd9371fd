import { expect, test } from "vitest";
import { ConsulError } from "../../../src/consul/http.ts";
import { askOrFail, refuseWithoutPeering } from "../../../src/upgrade/refusals.ts";
import { agent } from "../find/fixtures.ts";

const step = (timeout: number) => ({
  spec: { version: "2.1", image: undefined, via: [], cluster: "", force: false, timeout },
  signal: new AbortController().signal,
});

/** Each answer in turn; the last one again and again. */
function answering(...answers: readonly (string | ConsulError)[]) {
  const left = [...answers];
  return async () => {
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer instanceof ConsulError) throw answer;
    return answer;
  };
}

test("an agent that is slow, or has no leader for a moment, is asked again", async () => {
  const slow = new ConsulError("no answer within 2 s");
  const leaderless = new ConsulError("500 No cluster leader", { status: 500 });
  const answer = answering(slow, leaderless, "members");
  expect(await askOrFail(step(60_000), agent("server-2"), "members", answer)).toBe("members");
});

test("when time is up, the message names the agent that was asked", async () => {
  const answer = answering(new ConsulError("no answer within 2 s"));
  await expect(askOrFail(step(30), agent("server-2"), "members", answer)).rejects.toMatchObject({
    name: "ActionError",
    message:
      "server-2 did not answer a request for members within 0.03 s. Its last answer: no answer within 2 s",
  });
});

test("a refusal fails at once, with the agent that was asked", async () => {
  const answer = answering(new ConsulError("403 Permission denied", { status: 403 }), "members");
  const asked = askOrFail(step(60_000), agent("server-2"), "members", answer);
  await expect(asked).rejects.toMatchObject({
    title: "Consul refused a request",
    message: "server-2 was asked for members and answered: 403 Permission denied",
  });
});

test("a cluster with peerings is not brought to a version without them, on the way or in the end", () => {
  const peered = [{ dials: [] }, { dials: ["east"] }];
  expect(() => refuseWithoutPeering(peered, ["1.22.7", "2.1.0-dev"])).not.toThrow();
  expect(() => refuseWithoutPeering([{ dials: [] }], ["1.13.9"])).not.toThrow();
  expect(() => refuseWithoutPeering(peered, ["1.13.9", "1.22.7"])).toThrow(
    "The cluster has peerings, which came with Consul 1.14, and 1.13.9 is older",
  );
});
