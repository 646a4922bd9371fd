import { hostname } from "node:os";
import { jobContainer, proofLabels } from "../destroy/job-state.ts";
import { removeLeftBehind } from "../destroy/left-behind.ts";
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { holderOf, isTaken } from "../docker/ports.ts";
import { InputError, type Problem } from "../errors.ts";
import { type ClusterSpec, portNames } from "../inputs/cluster-spec.ts";
import { nodesOf } from "../inputs/nodes.ts";
import { engineLabels, jobLabels, keepLabels, type Labels, type Owner } from "../plan/labels.ts";
import {
  containerName,
  freePortsNeeded,
  networkArguments,
  networkName,
  type Prerequisites,
} from "../plan/plan.ts";
import { takenPort } from "../ready/diagnosis.ts";
import { ownContainer } from "../runner/machine.ts";
import { type Scope, withScope } from "../runner/scope.ts";
import { checkEngine, remoteWarning } from "./check-engine.ts";
import { type ClusterImages, distinctImages, findImages } from "./cluster-images.ts";
import { checkConfigs } from "./config-check.ts";
import { chooseNetwork, type NetworkChoice, newNetwork } from "./network.ts";
import { examineImages } from "./node-images.ts";
import { portsForNodes } from "./node-ports.ts";
import { subnetFor } from "./overlay-subnet.ts";
import { type BegunKeys, beginKeys } from "./secrets.ts";
import type { StartContext } from "./start-context.ts";
import { checkForwarding } from "./start-forwarder.ts";
import { chooseSwarmNetwork, placeIn, plainTextNote } from "./swarm-network.ts";
import { checkVersions } from "./version-check.ts";

/** What a plan needs to know, and what was begun for its agents. */
interface Prepared {
  readonly prerequisites: Prerequisites;
  /** They go on when the preparation is over. */
  readonly keys: BegunKeys;
}

/**
 * Prepares the engine for the cluster: finds or pulls the image, and finds the network to join or
 * creates one. All of it at once, because nothing depends on anything else. Removes what earlier
 * jobs of this runner left behind. Keys and certificates are begun as soon as there is an image.
 *
 * @param outer - what is begun may go on in it
 * @throws InputError if a port is taken, the user's network does not exist or can't be reached, Consul
 *   refuses a `config`, its version does not support what the cluster file declares, or the image's
 *   entrypoint ignores what `env` asks for
 * @throws ActionError if the engine can't run the cluster, if this step can't reach it, or if the
 *   image can't be found or pulled
 */
export async function prepare(
  context: StartContext,
  spec: ClusterSpec,
  outer: Scope,
): Promise<Prepared> {
  const { clusterId, log, timeline } = context;
  const note = context.engines && plainTextNote(spec.security);
  if (note) log(note);
  const [container, facts] = await Promise.all([
    jobContainer(context.docker),
    checkEngine(context.docker),
  ]);
  const labels = ownLabels(context, container);
  const places = { ...engineLabels(facts, spec.engines), ...keepLabels(spec) };
  const owner = { clusterId, jobLabels: { ...labels, ...places } };
  const agents = nodesOf(spec.datacenters).length;
  return withScope(context.signal, async ({ signal, start }) => {
    const docker = context.docker.within(signal);
    const { engines } = context;
    const choice = start(
      engines
        ? chooseSwarmNetwork(engines, spec, container)
        : chooseNetwork(docker, spec, container),
    );
    const found = start(timeline.during("image", () => findImages({ docker, log, signal }, spec)));
    const keys = keysFor(context.docker.within(outer.signal), spec, owner, found);
    outer.start(keys.ofServers);
    outer.start(keys.ofAll);
    const [network, images, ports] = await Promise.all([
      start(checkMachine({ docker, log, warn: context.warn }, spec, { labels, choice })),
      found,
      start(portsForNodes(docker, freePortsNeeded(spec))),
      start(timeline.during("network", () => ensureNetwork(context, choice, { owner, agents }))),
    ]);
    const swarm =
      engines && start(placeIn(engines, networkName(network.network, clusterId), agents));
    const tell = { docker, log, warn: context.warn };
    const terms = { log, isNeverPulled: spec.pull === "never" };
    const versions = await checkVersions(tell, spec, { owner, images });
    const [examined] = await Promise.all([
      start(examineImages(tell, spec, { owner, images, versions })),
      start(checkConfigs(tell, spec, { owner, images, network: network.network })),
      ...(engines ? [start(checkForwarding(docker, owner, images.image.reference))] : []),
      ...distinctImages(images).map(({ reference }) => start(docker.shareImage(reference, terms))),
    ]);
    const place = swarm && { swarm: await swarm };
    return {
      prerequisites: { ...owner, ...examined, ...network, ...place, freePorts: ports },
      keys,
    };
  });
}

/** Keys for agents that are not planned yet. */
function keysFor(docker: Docker, spec: ClusterSpec, owner: Owner, found: Promise<ClusterImages>) {
  const agents = nodesOf(spec.datacenters).map((shape) => {
    return { ...shape, container: containerName(owner.clusterId, shape.node) };
  });
  const request = found.then(({ image }) => ({ owner, image, agents }));
  return beginKeys(docker, spec, request);
}

/** Labels of the running job. @param container - that it runs in, if the engine knows it */
function ownLabels({ env }: StartContext, container: ContainerFacts | undefined): Labels {
  const host = container ? "" : hostname();
  return { ...jobLabels(env, host, ownContainer()), ...proofLabels(container?.Id ?? "") };
}

async function ensureNetwork(
  { docker, engines }: Pick<StartContext, "docker" | "engines">,
  choice: Promise<Choice>,
  { owner, agents }: { readonly owner: Owner; readonly agents: number },
) {
  if ((await choice) !== newNetwork) return;
  const overlay = engines && { subnet: await subnetFor(engines, agents) };
  await docker.createNetwork(networkArguments(owner, overlay));
}

type Choice = Awaited<ReturnType<typeof chooseNetwork>>;

/** What is known of the running job. */
interface JobFacts {
  readonly labels: Labels;
  readonly choice: Promise<Choice>;
}

/** What the inputs get wrong about this machine, all of it at once. */
async function checkMachine(
  { docker, log, warn }: Pick<StartContext, "docker" | "log" | "warn">,
  spec: ClusterSpec,
  { labels, choice }: JobFacts,
): Promise<NetworkChoice> {
  const [chosen, warning] = await Promise.all([
    choice,
    remoteWarning(docker),
    removeLeftBehind(docker, labels, log),
  ]);
  const [network, problem] = "message" in chosen ? [undefined, chosen] : [chosen];
  if (warning !== undefined && !network?.isOnNetwork) warn(warning);
  // A cluster that an earlier job left behind may have held the ports. Nothing is published for a
  // job container on the cluster's network, and this machine's ports are not those of another one.
  const isHere = !network?.isOnNetwork && warning === undefined;
  const ports = isHere ? await portProblems(docker, spec) : [];
  if (network && ports.length === 0) return network;
  throw new InputError([...ports, ...(problem ? [problem] : [])]);
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
