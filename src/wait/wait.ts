import * as core from "@actions/core";
import { Engine } from "../docker/engine.ts";
import { ActionError, InputError } from "../errors.ts";
import { dockerOf } from "../find/across-engines.ts";
import { type FoundAgent, type FoundCluster, findCluster, isUp } from "../find/existing-cluster.ts";
import { whileAllRun } from "../find/while-all-run.ts";
import { nearest } from "../inputs/wording.ts";
import { processMark } from "../plan/labels.ts";
import { byDatacenter } from "../ready/agents.ts";
import { cancellation } from "../runner/cancellation.ts";
import { writeCommandFile } from "../runner/command-files.ts";
import { fail, logTimed } from "../runner/log.ts";
import { type Condition, type Sight, untilAll } from "./condition.ts";
import { checkCondition, nodeCondition, serviceCondition } from "./health.ts";
import { entryCondition, keyCondition } from "./stored.ts";
import { parseWaitInputs, type WaitSpec } from "./wait-inputs.ts";

/** The outputs, in the order of wait/action.yml. */
export const waitOutputNames = ["instances", "value"] as const;

/** The action `wait`: waits until what the job does with Consul is seen by every agent. */
export async function wait(): Promise<void> {
  const canceled = cancellation("wait");
  try {
    const spec = parseWaitInputs(core.getInput);
    const engine = new Engine(canceled, core.debug);
    const cluster = await findCluster(engine, spec.cluster, process.env);
    const conditions = conditionsOf(spec);
    const title = `Wait for ${conditions.map(({ subject }) => subject).join(", ")}`;
    const sights = await core.group(title, () =>
      untilSeen(cluster, spec, { conditions, canceled }),
    );
    report(sights);
  } catch (error) {
    fail(canceled.aborted ? canceled.reason : error);
  }
}

/** Everything that a step waits for. */
const conditionsOf = (spec: WaitSpec): Condition[] => [
  ...spec.services.map((service) => serviceCondition(service, spec.passing)),
  ...spec.keys.map(keyCondition),
  ...spec.checks.map(checkCondition),
  ...spec.nodes.map(nodeCondition),
  ...spec.configEntries.map(entryCondition),
];

/**
 * @throws ActionError if the conditions don't hold in time, or as soon as an agent that is asked exits
 */
function untilSeen(
  cluster: FoundCluster,
  spec: WaitSpec,
  { conditions, canceled }: { conditions: readonly Condition[]; canceled: AbortSignal },
): Promise<readonly Sight[]> {
  const { clusterId, agents } = cluster;
  const { asked, others } = agentsToAsk(agents, spec.datacenter);
  for (const { node, state } of others) logTimed(`${node} is not asked: it is ${state}`);
  // The step changes nothing, so it leaves no record: a fault may go on meanwhile.
  const docker = dockerOf(new Engine(canceled, core.debug, processMark(clusterId)), cluster);
  const summary = "What this step waits for did not hold";
  const wait = {
    timeout: spec.timeout,
    onChange: logTimed,
    failure: { title: "Timed out waiting", summary },
  };
  return whileAllRun({ docker, clusterId, agents: asked, signal: canceled }, (signal) =>
    untilAll(conditions, asked, { ...wait, signal }),
  );
}

/**
 * The agents of a datacenter, those that are up and the others.
 *
 * @param wanted - the datacenter's name; empty for the first
 * @throws InputError if there is no such datacenter
 * @throws ActionError if none of its agents is up
 */
export function agentsToAsk(agents: readonly FoundAgent[], wanted: string) {
  const datacenters = byDatacenter(agents);
  const names = [...datacenters.keys()];
  const there = datacenters.get(wanted === "" ? (names[0] ?? "") : wanted);
  if (!there) {
    const near = nearest(wanted, names);
    const hint = near === undefined ? "" : ` Did you mean \`${near}\`?`;
    const message = `Input \`datacenter\` is "${wanted}", but the cluster's datacenters are ${names.join(", ")}.${hint}`;
    throw new InputError([{ input: "datacenter", message }]);
  }
  const asked = there.filter(isUp);
  const others = there.filter((agent) => !isUp(agent));
  if (asked.length > 0) return { asked, others };
  const states = others.map(({ node, state }) => `${node} ${state}`).join(", ");
  const message = `None of the datacenter's agents is running, so there is nobody to ask: ${states}. Bring one back with the action \`fault\` first.`;
  throw new ActionError("No agent is running", message);
}

/** @param sights - of each condition that held */
function report(sights: readonly Sight[]): void {
  const values = sights.flatMap(({ value }) => value ?? []);
  const outputs: Record<(typeof waitOutputNames)[number], string> = {
    instances: JSON.stringify(sights.flatMap(({ instances = [] }) => instances)),
    value: values.length === 1 ? values.join() : "",
  };
  writeCommandFile(() => {
    for (const [output, value] of Object.entries(outputs)) core.setOutput(output, value);
  });
}
