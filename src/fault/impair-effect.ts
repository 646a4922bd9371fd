import { ConsulError } from "../consul/http.ts";
import { type FoundAgent, isUp } from "../find/existing-cluster.ts";
import type { FoundDatacenter } from "../find/raft.ts";
import { ask, servers } from "../ready/agents.ts";
import type { Gate } from "../ready/gates.ts";
import type { Effect } from "./effect.ts";
import { namesOf } from "./effect-gates.ts";
import type { Impairment } from "./impairment.ts";

/**
 * What an impairment leads to. Pure.
 *
 * A delay is measured through the agents. What is lost is up to chance, and a lower bandwidth shows only
 * under load: for these, the operation itself waits until packets pass through the kernel's rule.
 */
export function impairEffect(
  impairment: Impairment,
  hit: readonly FoundAgent[],
  datacenters: readonly FoundDatacenter[],
): Effect {
  const watched = { signs: [], led: [] };
  if (impairment.action !== "delay")
    return { what: "packets pass through the rule", asked: hit, gates: [], watched };
  const { latency, jitter, scope } = impairment;
  const measured = hit.flatMap((agent) => {
    const asked = scope === "all" ? agent : askedAbout(agent, datacenters);
    return asked ? [{ agent, asked }] : [];
  });
  return {
    what: `a consistent read takes ${latency - jitter} ms or more through ${namesOf(hit).join(", ")}`,
    asked: [...hit, ...measured.map(({ asked }) => asked).filter((each) => !hit.includes(each))],
    gates: measured.map(({ agent, asked }) => takesAtLeast(latency - jitter, agent, asked)),
    watched,
  };
}

/**
 * The agent whose consistent read makes this one send something to another agent: itself, since it asks the
 * leader; or if it is the leader, one that asks it.
 */
function askedAbout(
  agent: FoundAgent,
  datacenters: readonly FoundDatacenter[],
): FoundAgent | undefined {
  const home = datacenters.find(({ name }) => name === agent.datacenter);
  if (home?.raft.leader !== agent.node) return agent;
  const others = home.agents.filter((each) => isUp(each) && each.node !== agent.node);
  return servers(others)[0] ?? others[0];
}

/** The clocks of the kernel and of Node round differently. */
const tolerance = 1;

/** Of which the fastest counts: on a machine that is busy, one read may be slow for other reasons. */
const reads = 3;

const takesAtLeast = (milliseconds: number, agent: FoundAgent, asked: FoundAgent): Gate => ({
  name: `what ${agent.node} sends takes ${milliseconds} ms or more`,
  look: async () => {
    const times: number[] = [];
    for (let read = 0; read < reads; read += 1) {
      const started = performance.now();
      const [reply] = await ask([asked], (consul) => consul.healthyNodes("consistent"));
      if (reply?.answer instanceof ConsulError)
        return { status: "no answer", failing: [`${asked.node}: ${reply.answer.message}`] };
      times.push(performance.now() - started);
    }
    const fastest = Math.min(...times);
    const status = `${agent.node}: ${Math.round(fastest)} ms`;
    const isSlow = fastest >= milliseconds - tolerance;
    return { status, failing: isSlow ? [] : [`a read took ${status}`] };
  },
});
