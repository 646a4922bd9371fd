import { expect, test } from "vitest";
import { sizeText } from "../../../src/scale/interruption.ts";
import { changesText } from "../../../src/scale/report-scale.ts";

test("a datacenter's size is said with the names, in the order of their numbers", () => {
  const nodes = ["client-10", "client-2", "server-1"].map((node) => ({
    node,
    role: node.replace(/-\d+$/, ""),
  }));
  expect(sizeText("dc1", nodes)).toBe(
    "Datacenter dc1 now has 1 server (server-1) and 2 clients (client-2, client-10).",
  );
  expect(sizeText("dc1", nodes.slice(2))).toBe(
    "Datacenter dc1 now has 1 server (server-1) and 0 clients.",
  );
});

test("what was done is said by kind, in order", () => {
  const shape = (node: string) =>
    ({ node, role: "client", datacenter: "dc1", federation: "dc1" }) as const;
  expect(
    changesText([
      { kind: "add", shape: shape("client-2") },
      { kind: "add", shape: shape("client-3") },
      { kind: "remove", node: "server-3" },
    ]),
  ).toBe("added client-2, client-3; removed server-3");
  expect(changesText([{ kind: "remove", node: "client-1" }])).toBe("removed client-1");
});
