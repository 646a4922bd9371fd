/** What new nodes are made from: what the cluster has kept of its start, and the nodes around them. */
import * as core from "@actions/core";
import type { ClusterImages } from "../apply/cluster-images.ts";
import { examineImages } from "../apply/node-images.ts";
import { portsForNodes } from "../apply/node-ports.ts";
import { beginKeys, type SharedSecrets, secure } from "../apply/secrets.ts";
import type { Docker } from "../docker/docker.ts";
import { isNotFound } from "../docker/docker-error.ts";
import type { Image } from "../docker/image-reference.ts";
import { ActionError } from "../errors.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import type { AgentsSpec, Role, Security } from "../inputs/cluster-spec.ts";
import { portNames } from "../inputs/cluster-spec.ts";
import type { NodeShape } from "../inputs/nodes.ts";
import { securityFolder } from "../plan/agent-config.ts";
import { type Kept, readKept } from "../plan/kept-files.ts";
import { ownerIn } from "../plan/labels.ts";
import { type AgentsPlan, planAgent } from "../plan/plan.ts";
import { securityOf } from "../plan/security-config.ts";
import { licenseFile, type Secrets, secretTexts } from "../plan/security-files.ts";
import { answerOf, servers } from "../ready/agents.ts";
import { logTimed } from "../runner/log.ts";
import { placesFor } from "./across-engines.ts";
import { agentsThere, firstOf, type ScaleStep } from "./step.ts";

/** New nodes, before any of them is started. */
export interface NewNodes {
  /** Its agents are the new ones. */
  readonly plan: AgentsPlan;
  /** Those of the cluster, and of the new agents; undefined if nothing secures the cluster. */
  readonly secrets: Secrets | undefined;
}

/**
 * Plans new nodes, and makes their keys, certificates, and tokens. Nothing is started.
 *
 * @throws ActionError if the cluster has not kept what they are made from
 */
export async function planNewNodes(
  step: ScaleStep,
  shapes: readonly NodeShape[],
): Promise<NewNodes> {
  const { docker, cluster, datacenter } = step;
  const first = firstOf(cluster.agents);
  const kept = await keptBy(docker, first);
  const shared = await sharedSecrets(docker, firstOf(agentsThere(step)), kept);
  const security: Security = {
    acl: shared.tokens !== undefined && { managementToken: shared.tokens.management },
    gossipEncryption: shared.gossipKey !== undefined,
    tls: shared.ca !== undefined && { isMutual: shared.isMutual, ca: undefined },
    ...(shared.license && { license: shared.license }),
  };
  const spec: AgentsSpec = { ...kept.spec, security };
  const owner = ownerIn(first.facts.Config.Labels ?? {});
  const { images, versions } = await imagesFor(step, shapes);
  const tell = { docker, log: logTimed, onSecret: core.setSecret };
  const isOnNetwork = first.publications.length === 0;
  const ports = await portsForNodes(docker, isOnNetwork ? 0 : shapes.length * portNames.length);
  const prerequisites = {
    ...owner,
    ...(await examineImages(tell, spec, { owner, images, versions })),
    network: cluster.network,
    isOnNetwork,
    areNodeNamesTaken: first.host !== first.node,
    freePorts: ports,
  };
  const free = ports.values();
  const places = await placesFor(docker, cluster, shapes);
  const plan: AgentsPlan = {
    spec,
    prerequisites,
    network: cluster.network,
    agents: shapes.map((shape, index) => {
      const place = places[index];
      return { ...planAgent(shape, prerequisites, free), ...(place && { place }) };
    }),
    knowsHost: (first.facts.HostConfig.ExtraHosts ?? []).length > 0,
    isNew: false,
  };
  const request = { owner: prerequisites, image: images.image, agents: plan.agents };
  const keys = beginKeys(docker, spec, Promise.resolve(request), shared);
  keys.goOn();
  const secrets = await secure(docker, plan, tell, { keys, shared }).ofAll;
  logTimed(`${datacenter}: new nodes run ${[...new Set(imageNames(images))].join(" and ")}`);
  return { plan, secrets };
}

const imageNames = ({ image, ofNodes }: ClusterImages) =>
  [image, ...ofNodes.values()].map(({ reference }) => reference);

/** @throws ActionError if the first server has nothing */
async function keptBy(docker: Docker, { node, container }: FoundAgent): Promise<Kept> {
  const archive = await docker.getArchive(container, securityFolder);
  const kept = archive && readKept(archive);
  if (kept) return kept;
  const message = `${node} does not have the settings that new nodes need. Either another version of this action started the cluster (use the same version in all steps), or somebody removed its first server.`;
  throw new ActionError("Unknown settings", message);
}

/** What secures all agents of a datacenter. */
interface SharedSecurity extends SharedSecrets {
  /** Whether HTTPS asks callers for a certificate. */
  readonly isMutual: boolean;
  readonly license?: string;
}

/** @param server - one of the datacenter */
async function sharedSecrets(
  docker: Docker,
  server: FoundAgent,
  { caKey }: Kept,
): Promise<SharedSecurity> {
  const { config, ca, license } = await securityFilesOf(docker, server);
  if (config === undefined) return { isMutual: false };
  const { gossipKey, tokens, tls } = config;
  if (tls && (ca === undefined || caKey === undefined))
    throw new ActionError(
      "No key to sign with",
      `New nodes need certificates, and the cluster has not kept the key of its CA. That of your own CA (\`ca-key\`) is never kept: start the cluster with as many nodes as the job needs.`,
    );
  return {
    isMutual: tls === "mutual",
    ...(license && { license }),
    ...(gossipKey && { gossipKey }),
    ...(ca && caKey && { ca: { certificate: ca, key: caKey } }),
    ...(tokens && {
      tokens: {
        management: tokens.management ?? "",
        dns: tokens.dns,
        ...(tokens.replication && { replication: tokens.replication }),
      },
    }),
  };
}

/** What an agent's secret files say; undefined if it has none. */
export async function securityFilesOf(
  docker: Docker,
  { container }: Pick<FoundAgent, "container">,
) {
  const archive = await docker.getArchive(container, securityFolder);
  const textOf = secretTexts(archive);
  const text = textOf("agent.json");
  const config = text === undefined ? undefined : securityOf(JSON.parse(text));
  return { config, ca: textOf("ca.pem"), license: textOf(licenseFile) };
}

/**
 * The node whose image a new one gets: the first of those that run what most nodes of its role run, or
 * most servers, if there is none of its role. Pure.
 *
 * @param agents - of the datacenter
 */
export function nodeAround(agents: readonly FoundAgent[], role: Role): FoundAgent {
  const ofRole = agents.filter((agent) => agent.role === role);
  const near = ofRole.length > 0 ? ofRole : servers(agents);
  const groups = [...Map.groupBy(near, ({ facts }) => facts.Image).values()];
  return firstOf(groups.toSorted((a, b) => b.length - a.length)[0] ?? []);
}

/** The images of new nodes, and versions by reference if they are not all the same. */
async function imagesFor(
  step: ScaleStep,
  shapes: readonly NodeShape[],
): Promise<{ images: ClusterImages; versions: ReadonlyMap<string, string> }> {
  const there = agentsThere(step);
  const around = shapes.map(({ node, role }) => ({ node, like: nodeAround(there, role) }));
  const [base] = around;
  if (!base) throw new Error("there is at least one new node");
  const image = await imageOfNode(step.docker, base.like);
  const ofNodes = new Map<string, Image>();
  const versions = new Map<string, string>();
  for (const { node, like } of around) {
    if (like.facts.Image === base.like.facts.Image) continue;
    const own = await imageOfNode(step.docker, like);
    ofNodes.set(node, own);
    versions.set(own.reference, await versionOfNode(step, like));
  }
  return { images: { image, ofNodes }, versions };
}

/**
 * The image that a node runs, by its name or, if that name now means another one, by its ID. All engines
 * then have it.
 */
async function imageOfNode(docker: Docker, { node, container, facts }: FoundAgent): Promise<Image> {
  const { Image: id, Config } = facts;
  const engine = await docker.at(container);
  const named = await engine.imageDefaults(Config.Image).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  const image = await engine.image(named?.id === id ? Config.Image : id);
  if (!image) {
    const message = `The engine no longer has the image of ${node} (${Config.Image}), which new nodes need. Pull it again.`;
    throw new ActionError("The image is gone", message);
  }
  await docker.shareImage(image.reference, { log: logTimed, isNeverPulled: false }, container);
  return image;
}

async function versionOfNode(step: ScaleStep, { node }: FoundAgent): Promise<string> {
  const { timeout } = step.spec;
  const server = firstOf(agentsThere(step));
  const members = await answerOf(server, "list its members", (consul) => consul.members(), {
    timeout,
    signal: step.signal,
  });
  return members.find((member) => member.node === node)?.version ?? "";
}
