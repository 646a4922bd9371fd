import { networkInterfaces } from "node:os";
import { type Docker, DockerError, type NetworkMember } from "./docker.ts";
import { ActionError, InputError, type Problem } from "./errors.ts";
import type { Image } from "./image-reference.ts";
import { type ClusterSpec, portNames } from "./inputs.ts";
import {
  anyClusterFilter,
  freePortsNeeded,
  jobLabels,
  networkArguments,
  type Owner,
  type Site,
} from "./plan.ts";
import { freePorts, isTaken } from "./ports.ts";
import type { Timeline } from "./timeline.ts";

/**
 * Looks at the place where the cluster is to stand, and brings it what is lacking: the image is
 * pulled and, unless the user named one, a network is made. All at once, as nothing of it waits
 * for another.
 *
 * @param env - the runner's environment
 * @param log - gets the lines of a pull
 * @param timeline - learns how long image and network took
 * @throws InputError where a port is taken or the network is not there
 * @throws ActionError where the image can't be had
 */
export async function prepareSite(
  docker: Docker,
  spec: ClusterSpec,
  clusterId: string,
  env: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
  timeline: Timeline,
): Promise<Site> {
  const labels = jobLabels(env);
  await refuseTakenPorts(spec);
  const [image, network, ports] = await Promise.all([
    timeline.during("image", () => findImage(docker, spec.images, log)),
    timeline.during("network", () =>
      spec.network === ""
        ? createNetwork(docker, { clusterId, jobLabels: labels })
        : inspectNetwork(docker, spec.network),
    ),
    freePorts(freePortsNeeded(spec)),
  ]);
  return { clusterId, image, jobLabels: labels, ...network, freePorts: ports };
}

async function refuseTakenPorts({ ports }: ClusterSpec): Promise<void> {
  const taken = await Promise.all(portNames.map((name) => ports[name] > 0 && isTaken(ports[name])));
  const problems = portNames
    .filter((_, index) => taken[index])
    .map((name): Problem => {
      const input = `${name}-port`;
      const message = `Input \`${input}\` is ${ports[name]}, but something on the runner listens on that port already. Name another, or 0 for any free one.`;
      return { input, message };
    });
  if (problems.length > 0) throw new InputError(problems);
}

/** The first of these images that the engine has or can get. */
export async function findImage(
  docker: Docker,
  references: readonly string[],
  log: (line: string) => void,
): Promise<Image> {
  for (const reference of references) {
    const image = await docker.image(reference);
    if (image) return image;
  }
  for (const reference of references) {
    const image = await pull(docker, reference, log);
    if (image) return image;
  }
  throw new ActionError(
    "No such image",
    `No registry has ${references.join(" or ")}. Look up the tags of the image, and set \`version\` or \`image\` to one that exists.`,
  );
}

async function pull(
  docker: Docker,
  reference: string,
  log: (line: string) => void,
): Promise<Image | undefined> {
  log(`${reference} is not on this engine: pulling it`);
  try {
    await docker.pull(reference, log);
    return await docker.image(reference);
  } catch (error) {
    if (!(error instanceof DockerError) || error.failure !== "not-found") throw error;
    log(`${reference} does not exist`);
    return undefined;
  }
}

type NetworkFacts = Pick<Site, "isOnNetwork" | "areNodeNamesTaken">;

async function createNetwork(docker: Docker, owner: Owner): Promise<NetworkFacts> {
  await docker.createNetwork(networkArguments(owner));
  return { isOnNetwork: false, areNodeNamesTaken: false };
}

/** Looks at a network that is not ours. */
async function inspectNetwork(docker: Docker, network: string): Promise<NetworkFacts> {
  const [members, nodes] = await Promise.all([
    docker.networkMembers(network),
    docker.containers(`network=${network}`, anyClusterFilter),
  ]);
  if (members)
    return { isOnNetwork: members.some(isThisProcess), areNodeNamesTaken: nodes.length > 0 };
  const message = `Input \`network\` is "${network}", but the engine has no such network. Create it in an earlier step (\`docker network create ${network}\`), or leave the input out: the cluster then makes its own.`;
  throw new InputError([{ input: "network", message }]);
}

function isThisProcess({ ip, mac }: NetworkMember): boolean {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return interfaces.some((own) => own.address === ip && own.mac === mac);
}
