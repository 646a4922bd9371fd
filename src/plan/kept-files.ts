/**
 * What a cluster keeps of its start, for nodes that come later: files in the container of its first
 * server, which no step removes before the cluster. The engine shows labels to anyone, and configuration
 * may have secrets.
 */
import { createTar } from "nanotar";
import * as z from "zod";
import { type AgentsSpec, logLevels } from "../inputs/cluster-spec.ts";
import { securityFolder } from "./agent-config.ts";
import type { AgentsPlan } from "./plan.ts";
import { type Secrets, secretTexts, softwareOf } from "./security-files.ts";

/** The files, in the folder of an agent's secrets. */
const specFile = "agents.json";
const caKeyFile = "ca-key.pem";

/** The part of a spec that the agents' own files and containers don't tell. */
type KeptSpec = Omit<AgentsSpec, "security">;

/** What was kept. */
export interface Kept {
  readonly spec: KeptSpec;
  /** With TLS: the key of the CA, in PEM, unless it is the user's own. */
  readonly caKey?: string;
}

/** @returns a tar archive to extract at the root of the first server's container */
export function keptArchive(
  { spec, agents }: AgentsPlan,
  secrets: Secrets | undefined,
): Uint8Array {
  const [first] = agents;
  // Only root, which agents don't run as, reads these files.
  const root = { uid: 0, gid: 0 };
  const owner = secrets && first ? softwareOf(secrets, first.node).owner : root;
  const files = {
    [specFile]: specText(spec),
    ...(secrets?.ca?.key && { [caKeyFile]: secrets.ca.key }),
  };
  const folder = securityFolder.slice(1);
  return createTar([
    { name: folder, attrs: { mode: "700", ...owner } },
    ...Object.entries(files).map(([name, data]) => ({
      name: `${folder}/${name}`,
      data,
      attrs: { mode: "400", ...root },
    })),
  ]);
}

const specText = ({ datacenters, config, fileConfig, env, nodes, logLevel }: AgentsSpec) =>
  JSON.stringify({
    ...{ datacenters, config, fileConfig, logLevel, env: [...env] },
    nodes: Array.from(nodes, ([name, own]) => [name, { ...own, env: [...own.env] }]),
  });

const variables = z
  .array(z.tuple([z.string(), z.string()]))
  .transform((entries): ReadonlyMap<string, string> => new Map(entries));

const datacenter = z.object({
  name: z.string(),
  federation: z.string(),
  dials: z.array(z.string()),
  servers: z.number(),
  clients: z.number(),
  storage: z.enum(["memory", "disk"]),
  config: z.string(),
});

const nodeSettings = z.object({
  place: z.object({
    file: z.string(),
    path: z.string().exactOptional(),
    line: z.number(),
    column: z.number(),
  }),
  images: z.array(z.string()),
  config: z.string(),
  env: variables,
});

const keptSpec = z.object({
  datacenters: z.tuple([datacenter], datacenter),
  config: z.string(),
  fileConfig: z.object({ all: z.string(), server: z.string(), client: z.string() }),
  logLevel: z.enum(logLevels),
  env: variables,
  nodes: z.array(z.tuple([z.string(), nodeSettings])).transform((entries) => new Map(entries)),
});

/**
 * The inverse of `keptArchive`.
 *
 * @param archive - the folder of the first server's secrets, as a tar archive from the engine
 * @returns undefined if nothing was kept there
 */
export function readKept(archive: Uint8Array): Kept | undefined {
  const textOf = secretTexts(archive);
  const text = textOf(specFile);
  if (text === undefined) return undefined;
  const caKey = textOf(caKeyFile);
  const spec: KeptSpec = keptSpec.parse(JSON.parse(text));
  return { spec, ...(caKey && { caKey }) };
}
