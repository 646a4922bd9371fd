import { expect, test } from "vitest";
import { ActionError, InputError } from "../../../src/errors.ts";
import { agentsToAsk } from "../../../src/wait/wait.ts";
import { agent, names } from "../find/fixtures.ts";

const east = [agent("server-1"), agent("server-2", "paused"), agent("client-1", "isolated")].map(
  (each) => ({ ...each, datacenter: "east" }),
);
const west = [{ ...agent("west-server-1", "stopped"), datacenter: "west" }];
const all = [...east, ...west];

test("the running agents of the first datacenter are asked", () => {
  const { asked, others } = agentsToAsk(all, "");
  expect([names(asked), names(others)]).toEqual([["server-1"], ["server-2", "client-1"]]);
});

test("a datacenter without a running agent has nobody to ask", () => {
  expect(() => agentsToAsk(all, "west")).toThrow(ActionError);
  expect(() => agentsToAsk(all, "west")).toThrow("nobody to ask: west-server-1 stopped.");
});

test("a datacenter that is not there", () => {
  expect(() => agentsToAsk(all, "eats")).toThrow(InputError);
  expect(() => agentsToAsk(all, "eats")).toThrow(
    'is "eats", but the cluster\'s datacenters are east, west. Did you mean `east`?',
  );
});
