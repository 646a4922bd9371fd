import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { agentRunArguments } from "../../../src/plan/container-arguments.ts";
import { type ClusterPlan, type Prerequisites, planCluster } from "../../../src/plan/plan.ts";

export const plan = (inputs: Record<string, string>, labels: Record<string, string> = {}) => {
  const texts: Record<string, string> = { ...inputDefaults, ...inputs };
  const { spec } = parseInputs((name) => texts[name] ?? "");
  return planCluster(spec, {
    clusterId: "0123abcd",
    jobLabels: labels,
    image: { reference: "hashicorp/consul:1.8.7" },
    isOnNetwork: false,
    areNodeNamesTaken: false,
    devTurnsConnectOn: false,
    nodeImages: new Map(),
    freePorts: Array.from({ length: 20 }, (_, index) => 30_001 + index),
  });
};

export function specOf(inputs: Readonly<Record<string, string>> = {}) {
  return parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "").spec;
}

export const prerequisites: Prerequisites = {
  clusterId: "c0ffee00",
  image: { reference: "hashicorp/consul:2.1" },
  jobLabels: { "consul-cluster-action.run": 'me/it/7/1 "a", b' },
  isOnNetwork: false,
  areNodeNamesTaken: false,
  devTurnsConnectOn: false,
  nodeImages: new Map(),
  freePorts: Array.from({ length: 120 }, (_, index) => 50_001 + index),
};

export function argumentsOf(plan: ClusterPlan, node: string): string[] {
  const agent = plan.agents.find((each) => each.node === node);
  if (!agent) throw new Error(`no ${node}`);
  return agentRunArguments(plan, agent);
}
