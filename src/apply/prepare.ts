import { hostname, networkInterfaces } from "node:os";
import { jobContainer, proofLabels } from "../destroy/job-state.ts";
import { removeLeftBehind } from "../destroy/left-behind.ts";
import type { NetworkMember } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { findImage } from "../docker/find-image.ts";
import { freePorts, holderOf, isTaken } from "../docker/ports.ts";
import { InputError, type Problem } from "../errors.ts";
import { type ClusterSpec, portNames } from "../inputs/cluster-spec.ts";
import {
  anyClusterFilter,
  jobLabels,
  keepLabels,
  type Labels,
  type Owner,
} from "../plan/labels.ts";
import { freePortsNeeded, networkArguments, type Prerequisites } from "../plan/plan.ts";
import { takenPort } from "../ready/diagnosis.ts";
import { withScope } from "../runner/scope.ts";
import { checkCli, remoteWarning } from "./check-engine.ts";
import { checkConfig } from "./config-check.ts";
import { askEntrypoint } from "./entrypoint.ts";
import type { StartContext } from "./start-context.ts";
import { checkVersion, devTurnsConnectOn } from "./version-check.ts";

/**
 * Prepares the engine for the cluster: finds or pulls the image and, unless the user named a network,
 * creates one. All of it at once, because nothing depends on anything else. Removes what earlier
 * jobs of this runner left behind.
 *
 * @throws InputError if a port is taken, the network does not exist, Consul refuses `config`, its
 *   version does not support what the cluster file declares, or the image's entrypoint ignores what
 *   `env` asks for
 * @throws ActionError if `docker` is not Docker's CLI, or if the image can't be found or pulled
 */
export async function prepare(context: StartContext, spec: ClusterSpec): Promise<Prerequisites> {
  const { clusterId, log, timeline } = context;
  const [labels] = await Promise.all([ownLabels(context), checkCli(context.docker)]);
  const owner = { clusterId, jobLabels: { ...labels, ...keepLabels(spec) } };
  return withScope(context.signal, async ({ signal, start }) => {
    const docker = context.docker.within(signal);
    const [network, image, ports] = await Promise.all([
      start(checkMachine({ docker, log, warn: context.warn }, spec, labels)),
      start(timeline.during("image", () => findImage({ docker, log, signal }, spec.images))),
      start(freePorts(freePortsNeeded(spec))),
      start(timeline.during("network", () => ensureNetwork(docker, spec, owner))),
    ]);
    await checkVersion(docker, spec, { owner, image });
    const [entrypoint, devConnect] = await Promise.all([
      start(askEntrypoint({ docker, log }, spec, { owner, image })),
      start(devTurnsConnectOn({ docker, log }, spec, { owner, image })),
      start(checkConfig({ docker, log }, spec, { owner, image })),
    ]);
    const asked = { ...(entrypoint && { entrypoint }), devTurnsConnectOn: devConnect };
    return { ...owner, image, ...asked, ...network, freePorts: ports };
  });
}

/** Labels of the running job. */
async function ownLabels({ docker, env }: StartContext): Promise<Labels> {
  const container = await jobContainer(docker);
  const host = container === "" ? hostname() : "";
  return { ...jobLabels(env, host), ...proofLabels(container) };
}

async function ensureNetwork(docker: Docker, { network }: ClusterSpec, owner: Owner) {
  if (network === "") await docker.createNetwork(networkArguments(owner));
}

/**
 * What the inputs get wrong about this machine, all of it at once.
 *
 * @param labels - of the running job
 */
async function checkMachine(
  { docker, log, warn }: Pick<StartContext, "docker" | "log" | "warn">,
  spec: ClusterSpec,
  labels: Labels,
): Promise<NetworkFacts> {
  const [network, warning] = await Promise.all([
    spec.network === "" ? ownNetworkFacts : inspectNetwork(docker, spec.network),
    remoteWarning(docker),
    removeLeftBehind(docker, labels, log),
  ]);
  if (warning !== undefined && !network?.isOnNetwork) warn(warning);
  // A cluster that an earlier job left behind may have held the ports. Nothing is published for a
  // job container on the cluster's network.
  const ports = network?.isOnNetwork ? [] : await portProblems(docker, spec);
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

/** What a network of the user's is like; undefined if there is none of that name. */
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
  message: `Input \`network\` is "${network}", but the engine has no such network. Create it in an earlier step (\`docker network create ${network}\`), or omit the input: the cluster then creates its own network.`,
});

function isThisProcess({ ip, mac }: NetworkMember): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return interfaces.some((own) => own.address === ip && own.mac === mac);
}
