import { describe, expect, test } from "vitest";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import { nodeAround } from "../../../src/scale/new-nodes.ts";
import { agent, facts } from "../find/fixtures.ts";

const running = (node: string, Image: string): FoundAgent => ({
  ...agent(node),
  facts: { ...facts, Image },
});

describe("the node whose image a new one gets", () => {
  const servers = [running("server-1", "a"), running("server-2", "b"), running("server-3", "b")];
  const clients = [running("client-1", "c"), running("client-2", "d")];

  test("runs what most nodes of the role run", () => {
    expect(nodeAround([...servers, ...clients], "server").node).toBe("server-2");
  });

  test("is the first, if no image is more frequent", () => {
    expect(nodeAround([...servers, ...clients], "client").node).toBe("client-1");
  });

  test("is a server, if there are no clients", () => {
    expect(nodeAround(servers, "client").node).toBe("server-2");
  });
});
