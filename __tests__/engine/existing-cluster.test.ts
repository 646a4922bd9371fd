import { expect, test } from "vitest";
import { Engine } from "../../src/docker/engine.ts";
import { credentialsIn } from "../../src/find/existing-cluster.ts";
import { up } from "../support/cluster.ts";
import { credentials } from "../support/later-step.ts";

test("a later action finds a secured cluster's credentials through the engine", async () => {
  const cluster = await up({ acl: "true", tls: "true", servers: "1" });
  try {
    const engine = new Engine(new AbortController().signal, () => {});
    const found = await credentialsIn(engine, cluster.nodes[0]?.container ?? "");
    expect(found).toEqual({ scheme: "https", ...credentials(cluster) });
  } finally {
    await cluster.down();
  }
});
