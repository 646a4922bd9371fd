import { hostname, networkInterfaces } from "node:os";
import { removeLeftBehind } from "../destroy/left-behind.ts";
import type { NetworkMember } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { findImage } from "../docker/find-image.ts";
import { freePorts, holderOf, isTaken } from "../docker/ports.ts";
import { InputError, type Problem } from "../errors.ts";
import { type ClusterSpec, portNames } from "../inputs/cluster-spec.ts";
import { anyClusterFilter, jobLabels, keepLabels } from "../plan/labels.ts";
import {
  freePortsNeeded,
  networkArguments,
  networkName,
  type Prerequisites,
} from "../plan/plan.ts";
import { takenPort } from "../ready/diagnosis.ts";
import type { Timeline } from "../runner/timeline.ts";
import { checkConfig } from "./config-check.ts";

/**
 * Looks at the place where the cluster is to stand, and brings it what is lacking: the image is
 * pulled and, unless the user named one, a network is made. All at once, as nothing of it waits
 * for another. What earlier jobs of this runner left behind is removed.
 *
 * @param env - the runner's environment
 * @param log - gets the lines of a pull
 * @param timeline - learns how long image and network took
 * @throws InputError where a port is taken, the network is not there, or Consul refuses `config`
 * @throws ActionError where the image can't be had
 */
export async function prepare(
  docker: Docker,
  spec: ClusterSpec,
  clusterId: string,
  env: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
  timeline: Timeline,
): Promise<Prerequisites> {
  const labels = jobLabels(env, hostname());
  const owner = { clusterId, jobLabels: { ...labels, ...keepLabels(spec) } };
  const scope = new AbortController();
  const scoped = docker.within(scope.signal);
  const parts = [
    check(scoped, spec, labels, log),
    timeline.during("image", () => findImage(scoped, spec.images, log, scope.signal)),
    freePorts(freePortsNeeded(spec)),
    timeline.during("network", async () => {
      if (spec.network === "") await scoped.createNetwork(networkArguments(owner));
    }),
  ] as const;
  try {
    const [network, image, ports] = await Promise.all(parts);
    await checkConfig(scoped, spec, owner, image, networkName(spec, clusterId), log);
    return { ...owner, image, ...network, freePorts: ports };
  } finally {
    // Where one part fails, the others must not go on behind the message: a pull takes long.
    scope.abort();
    await Promise.allSettled(parts);
  }
}

/** What can be told wrong of the inputs by looking at the machine, all of it at once. */
async function check(
  docker: Docker,
  spec: ClusterSpec,
  labels: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<NetworkFacts> {
  const [ports, network] = await Promise.all([
    // A cluster that was left behind may have the ports.
    removeLeftBehind(docker, labels, log).then(() => portProblems(docker, spec)),
    spec.network === "" ? ownNetworkFacts : inspectNetwork(docker, spec.network),
  ]);
  if (network && ports.length === 0) return network;
  throw new InputError([...ports, ...(network ? [] : [noNetwork(spec.network)])]);
}

async function portProblems(docker: Docker, { ports }: ClusterSpec): Promise<Problem[]> {
  const problems = await Promise.all(
    portNames.map(async (name) => {
      const port = ports[name];
      const protocols = name === "dns" ? (["tcp", "udp"] as const) : (["tcp"] as const);
      const taken = await Promise.all(protocols.map((each) => port > 0 && isTaken(port, each)));
      return taken.includes(true) ? [takenPort(name, port, await holderOf(docker, port))] : [];
    }),
  );
  return problems.flat();
}

type NetworkFacts = Pick<Prerequisites, "isOnNetwork" | "areNodeNamesTaken">;

const ownNetworkFacts: NetworkFacts = { isOnNetwork: false, areNodeNamesTaken: false };

/** Looks at a network that is not ours; undefined where there is none of that name. */
async function inspectNetwork(docker: Docker, network: string): Promise<NetworkFacts | undefined> {
  const [members, nodes] = await Promise.all([
    docker.networkMembers(network),
    docker.containers(`network=${network}`, anyClusterFilter),
  ]);
  return (
    members && { isOnNetwork: members.some(isThisProcess), areNodeNamesTaken: nodes.length > 0 }
  );
}

const noNetwork = (network: string): Problem => ({
  input: "network",
  message: `Input \`network\` is "${network}", but the engine has no such network. Create it in an earlier step (\`docker network create ${network}\`), or leave the input out: the cluster then makes its own.`,
});

function isThisProcess({ ip, mac }: NetworkMember): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return interfaces.some((own) => own.address === ip && own.mac === mac);
}
