/** Starting what leads from the runner to agents on other engines. */
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { ActionError } from "../errors.ts";
import {
  agentsElsewhere,
  forwarderArguments,
  forwarderName,
  forwarderTrialArguments,
  isElsewhere,
} from "../plan/forwarder.ts";
import { clusterFilter, forwarderFilter, type Owner } from "../plan/labels.ts";
import { type AgentPlan, type AgentsPlan, withOtherPorts } from "../plan/plan.ts";
import { explainForwarder } from "../ready/forwarder.ts";
import { portsForNodes } from "./node-ports.ts";

/** How many times a forwarder is started: with other ports each time that somebody else took one. */
const startAttempts = 5;

/**
 * Checks that the first engine can forward, before anything starts.
 *
 * @param image - a local one
 * @throws ActionError that says why not
 */
export async function checkForwarding(docker: Docker, owner: Owner, image: string): Promise<void> {
  try {
    await docker.runToEnd(forwarderTrialArguments(owner, image));
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    const message = `With \`engines\`, the job reaches agents on other engines through a container on the first, which forwards ports with iptables: with that of the machine, or of the image ${image}. It can't: ${error.said}\nInstall iptables on the first engine's machine (\`sudo apt-get install -y iptables\`), with the kernel's NAT.`;
    throw new ActionError("No way to other engines", message, { cause: error });
  }
}

/**
 * Starts a forwarder to the agents that are on other engines, if there are any. It has their ports from then
 * on, so they may start; it leads to them once it is connected (see {@link connectForwarder}).
 *
 * @returns the agents, with the ports that lead to them
 * @throws ActionError if it can't be started
 */
export async function startForwarder(
  docker: Docker,
  plan: AgentsPlan,
  agents: readonly AgentPlan[],
  attempt = 1,
): Promise<readonly AgentPlan[]> {
  const elsewhere = agentsElsewhere(agents);
  if (elsewhere.length === 0) return agents;
  const name = forwarderName(plan, agents);
  try {
    await docker.runContainer(forwarderArguments(plan, agents));
    return agents;
  } catch (error) {
    if (!(error instanceof DockerError)) throw error;
    if (error.failure !== "port-taken" || attempt === startAttempts) {
      throw new ActionError(
        "No way to other engines",
        `The container ${name}, through which the job reaches agents on other engines, can't start. ${error.message}`,
        { cause: error },
      );
    }
    // The engine had created the container before it found what was wrong.
    await docker.removeContainers([name]);
    const count = elsewhere.flatMap((each) => each.publications).length;
    const free = (await portsForNodes(docker, count)).values();
    const moved = agents.map((agent) => (isElsewhere(agent) ? withOtherPorts(agent, free) : agent));
    return startForwarder(docker, plan, moved, attempt + 1);
  }
}

/** Connects a forwarder to the network of the agents that it leads to. */
export async function connectForwarder(
  docker: Docker,
  plan: AgentsPlan,
  agents: readonly AgentPlan[],
): Promise<void> {
  if (agentsElsewhere(agents).length > 0)
    await docker.changeConnection("connect", [plan.network, forwarderName(plan, agents)]);
}

/** Rejects as soon as the forwarder of a start exits. */
export async function failOnForwarderExit(docker: Docker, plan: AgentsPlan): Promise<never> {
  const engine = await docker.at(forwarderName(plan, plan.agents));
  const filters = [clusterFilter(plan.prerequisites.clusterId), forwarderFilter];
  throw await explainForwarder(engine, await engine.firstExit(filters, new Date()));
}
