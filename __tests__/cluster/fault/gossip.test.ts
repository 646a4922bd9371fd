import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addressesIn, fault, ownJob, statesIn } from "../../support/actions.ts";
import { type Up, up } from "../../support/cluster.ts";
import { aliveMembers } from "../../support/consul.ts";
import { needs } from "../../support/needs.ts";

/** Each agent sends each piece of news to one other agent, and with a probe only. */
const lossyGossip = `
  gossip_lan { gossip_interval = "10m", retransmit_mult = 1 }
  performance { leave_drain_time = "100ms" }
`;
/**
 * Now and then nobody hears from the node itself that it is gone. An agent then needs up to 5 s to probe
 * the node, and suspects it for up to 24 s (memberlist's `suspicionTimeout`).
 */
const patienceToLeave = { timeout: "45s" };
/** Shorter than the 30 s after which agents exchange all they know anyway. */
const patienceToReturn = { timeout: "20s" };

// In the exchanges of earlier versions, agents don't tell each other that a node left.
describe("with gossip that loses news", needs("1.7.0"), () => {
  let cluster: Up;
  beforeAll(async () => {
    cluster = await up({ servers: "1", clients: "5", config: lossyGossip }, ownJob());
  });
  afterAll(async () => {
    await cluster.down();
  });

  test("all agents hear that a node left, and at once that it is back", async () => {
    const left = await fault(cluster, "stop", "client-2", patienceToLeave);
    expect(statesIn(left)).toMatchObject({ "client-2": "stopped", "client-1": "running" });

    const back = await fault(cluster, "start", "client-2", patienceToReturn);
    expect(Object.keys(addressesIn(back))).toHaveLength(6);
    const everyone = cluster.nodes.map(({ name }) => name).sort();
    for (const { http } of cluster.nodes)
      expect((await aliveMembers(http)).sort()).toEqual(everyone);
  });
});
