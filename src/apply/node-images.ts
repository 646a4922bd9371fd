/** What agents do differently because of their images. */
import type { Docker } from "../docker/docker.ts";
import type { Image } from "../docker/image-reference.ts";
import type { AgentsSpec } from "../inputs/cluster-spec.ts";
import { userQuestionArguments } from "../plan/container-arguments.ts";
import type { Owner } from "../plan/labels.ts";
import type { AgentImage, AgentsPlan, NodeImage } from "../plan/plan.ts";
import type { FileOwner, Software } from "../plan/security-files.ts";
import { type ClusterImages, distinctImages } from "./cluster-images.ts";
import { askEntrypoint } from "./entrypoint.ts";
import { officialSoftware } from "./official-image.ts";
import type { StartContext } from "./start-context.ts";
import { devTurnsConnectOn } from "./version-check.ts";

/** What is to be examined. */
interface Examined {
  readonly owner: Owner;
  readonly images: ClusterImages;
  /** Versions that images report, by reference; those of all images if nodes have their own. */
  readonly versions: ReadonlyMap<string, string>;
}

/**
 * Finds out what agents do differently because of their images.
 *
 * @throws InputError if an entrypoint ignores what `env` asks for
 */
export async function examineImages(
  context: Pick<StartContext, "docker" | "log">,
  spec: AgentsSpec,
  { owner, images, versions }: Examined,
): Promise<AgentImage & { nodeImages: ReadonlyMap<string, NodeImage> }> {
  const examine = async (image: Image): Promise<AgentImage> => {
    const [entrypoint, devConnect] = await Promise.all([
      askEntrypoint(context, spec, { owner, image }),
      devTurnsConnectOn(context, spec, { owner, image }),
    ]);
    return { image, ...(entrypoint && { entrypoint }), devTurnsConnectOn: devConnect };
  };
  const examined = new Map<string, AgentImage>();
  for (const image of distinctImages(images)) examined.set(image.reference, await examine(image));
  const ofNodes = [...images.ofNodes].map(([node, image]): [string, NodeImage] => {
    const { reference } = image;
    return [node, { ...known(examined, reference), version: known(versions, reference) }];
  });
  return { ...known(examined, images.image.reference), nodeImages: new Map(ofNodes) };
}

function known<T>(map: ReadonlyMap<string, T>, reference: string): T {
  const found = map.get(reference);
  if (found === undefined) throw new Error(`${reference} was not examined`);
  return found;
}

const userScript = "id -u consul 2>/dev/null || id -u; id -g consul 2>/dev/null || id -g";

/**
 * What nodes with an image of their own run. An image whose entrypoint was not asked is asked for its
 * user here.
 *
 * @throws DockerError if it has no `sh`
 */
export async function nodeSoftware(
  docker: Docker,
  plan: AgentsPlan,
): Promise<ReadonlyMap<string, Software>> {
  const software = new Map<string, Software>();
  const owners = new Map<string, FileOwner>();
  for (const [node, { image, version, entrypoint }] of plan.prerequisites.nodeImages) {
    const { reference } = image;
    const owner =
      entrypoint ??
      officialSoftware(image)?.owner ??
      owners.get(reference) ??
      (await ownerIn(docker, plan, reference));
    owners.set(reference, owner);
    // The environment can tell the image's entrypoint which user to run the agent as.
    const { env } = plan.spec;
    const uid = Number(env.get("CONSUL_UID") || owner.uid);
    const gid = Number(env.get("CONSUL_GID") || owner.gid);
    software.set(node, { version, owner: entrypoint ?? { uid, gid } });
  }
  return software;
}

async function ownerIn(docker: Docker, plan: AgentsPlan, image: string): Promise<FileOwner> {
  const said = await docker.runToEnd(userQuestionArguments(plan, image, userScript));
  const [uid = "", gid = ""] = said.split("\n");
  return { uid: Number(uid), gid: Number(gid) };
}
