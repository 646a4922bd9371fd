import { InputError } from "../errors.ts";
import { type FoundAgent, type FoundCluster, isUp } from "../find/existing-cluster.ts";
import { datacentersOf, electedDatacentersOf, type FoundDatacenter } from "../find/raft.ts";
import type { WaitLimits } from "../runner/poll.ts";
import { cutOffEffect } from "./cut-off-effect.ts";
import { type Before, type Effect, effectOf } from "./effect.ts";
import { namesOf } from "./effect-gates.ts";
import type { FaultSpec, NodeAction } from "./fault-inputs.ts";
import type { Group } from "./groups.ts";
import { impairEffect } from "./impair-effect.ts";
import { type Impairment, impairmentText } from "./impairment.ts";
import { cutOffFromOthers, impairAll, operations } from "./operations.ts";
import { partitionEffect } from "./partition-effect.ts";
import { resolveSides, type Side, sidesText } from "./sides.ts";
import type { FaultStep } from "./step.ts";
import {
  namedAgents,
  refuseHealingPart,
  refusePartitioned,
  resolveTarget,
  targetDatacenters,
} from "./target.ts";
import { isLeaderWord } from "./target-words.ts";

/** What a fault acts on right now, and what that leads to. */
export interface Aim extends Pick<FaultStep, "hit"> {
  /** The sides of a partition; empty for every other action. */
  readonly sides: readonly Side[];
  readonly act: (step: FaultStep) => Promise<void>;
  readonly effect: Effect;
  /** For the log: the nodes, or the sides of a partition. */
  readonly title: string;
  /** Name of the datacenter that the outputs describe. Of several it is the first, the primary one. */
  readonly datacenter: string;
}

/**
 * @param patience - how long an election may take if the fault depends on who leads
 * @throws InputError if the cluster has not what the inputs name, or not in the state that it takes
 */
export async function aimOf(
  { fault, datacenter }: Pick<FaultSpec, "fault" | "datacenter">,
  cluster: FoundCluster,
  patience: WaitLimits,
): Promise<Aim> {
  refusePartitioned(fault.action, cluster.agents);
  const isAwaited = ({ name }: FoundDatacenter) =>
    dependsOnLeader(fault) && [name, ""].includes(datacenter);
  const datacenters = await electedDatacentersOf(cluster, isAwaited, patience);
  if ("groups" in fault) return aimOfPartition(fault.groups, datacenter, datacenters);
  const { action, target } = fault;
  const targeted = targetDatacenters(datacenters, { datacenter, target });
  const hit = resolveTarget({ action, target }, targeted);
  if (action === "heal") refuseHealingPart(cluster.agents, hit);
  const described = targeted[0]?.name ?? "";
  if ("impairment" in fault) return aimOfImpairment(fault.impairment, hit, datacenters, described);
  const before = { datacenters, addresses: cluster.addresses };
  if (fault.action === "isolate" && "engine" in target)
    return aimOfEngine(target.engine, hit, before, described);
  return aimAt(fault.action, hit, before, described);
}

/**
 * Cuts an engine off from all others: its nodes go on to see each other, stopped ones included.
 *
 * @throws InputError if it has all nodes of the cluster
 */
function aimOfEngine(
  engine: string,
  hit: readonly FoundAgent[],
  before: Before,
  datacenter: string,
): Aim {
  const agents = before.datacenters.flatMap((each) => each.agents);
  const there = agents.filter((agent) => agent.engine === engine);
  if (there.length === agents.length) {
    const message = `Input \`target\` is "engine:${engine}", which has all nodes of the cluster: there is nothing to cut it off from.`;
    throw new InputError([{ input: "target", message }]);
  }
  return {
    hit,
    sides: [],
    act: (step) => cutOffFromOthers(step, "isolated", [there]),
    effect: cutOffEffect(hit, before),
    title: `isolate engine:${engine} (${namesOf(hit).join(", ")})`,
    datacenter,
  };
}

/** Whether a word stands for other nodes if another server leads. */
function dependsOnLeader(fault: FaultSpec["fault"]): boolean {
  if ("groups" in fault) return fault.groups.some(({ words }) => words.some(isLeaderWord));
  return "word" in fault.target && isLeaderWord(fault.target.word);
}

/** @throws InputError if there are no other agents that would notice */
function aimOfImpairment(
  impairment: Impairment,
  hit: readonly FoundAgent[],
  datacenters: readonly FoundDatacenter[],
  datacenter: string,
): Aim {
  const agents = datacenters.flatMap((each) => each.agents);
  if (impairment.scope === "agents" && agents.length === 1) {
    const message = `Input \`scope\` is \`agents\`, but the cluster has no agent other than ${namesOf(agents).join()}: set \`scope: all\`.`;
    throw new InputError([{ input: "scope", message }]);
  }
  return {
    hit,
    sides: [],
    act: (step) => impairAll(step, impairment),
    effect: impairEffect(impairment, hit, datacenters),
    title: `${impairmentText(impairment)} on ${namesOf(hit).join(", ")}`,
    datacenter,
  };
}

function aimOfPartition(
  groups: readonly Group[],
  datacenter: string,
  datacenters: readonly FoundDatacenter[],
): Aim {
  const sides = resolveSides(groups, datacenter, datacenters);
  const isOn = (side: Side, { name }: FoundDatacenter) =>
    side.some((agent) => isUp(agent) && agent.datacenter === name);
  const split = datacenters.find((each) => sides.filter((side) => isOn(side, each)).length > 1);
  return {
    hit: sides.flat().filter(isUp),
    sides,
    act: (step) => cutOffFromOthers(step, "partitioned", sides),
    effect: partitionEffect(sides, { datacenters }),
    title: `partition ${sidesText(sides)}`,
    datacenter: datacenter || ((split ?? datacenters[0])?.name ?? ""),
  };
}

/**
 * What undoes a fault.
 *
 * @param action - that undoes it
 * @param hit - the nodes that the fault affected, as they were before
 * @param cluster - as it is now
 * @param datacenter - name of the one that the outputs describe
 * @throws InputError if a node is no longer in the state in which the fault left it
 */
export async function aimOfUndo(
  action: NodeAction,
  hit: readonly FoundAgent[],
  cluster: FoundCluster,
  datacenter: string,
): Promise<Aim> {
  const datacenters = await datacentersOf(cluster);
  const again = namedAgents(action, namesOf(hit), cluster.agents);
  return aimAt(action, again, { datacenters, addresses: cluster.addresses }, datacenter);
}

const aimAt = (
  action: NodeAction,
  hit: readonly FoundAgent[],
  before: Before,
  datacenter: string,
): Aim => ({
  hit,
  sides: [],
  act: operations[action],
  effect: effectOf(action, hit, before),
  title: `${action} ${namesOf(hit).join(", ")}`,
  datacenter,
});
