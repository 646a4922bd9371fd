import { type ImageReference, parseImage } from "../docker/image-reference.ts";
import { InputError, type Problem } from "../errors.ts";
import type { ClusterFile, FileDatacenter } from "./cluster-file.ts";
import {
  agentsNodes,
  disagreements,
  type ReadFile,
  readCluster,
  unknownNodes,
} from "./cluster-input.ts";
import type {
  CertificateAuthority,
  ClusterSpec,
  Datacenter,
  NodeSettings,
} from "./cluster-spec.ts";
import { communityImage, enterpriseImage, tagFor } from "./consul-tag.ts";
import {
  changedInputs,
  manyClients,
  memoryOfSeveral,
  portOf,
  samePorts,
  versionAgainstImage,
  versionTwice,
  warningsOf,
  wrongVersion,
  wrongVersionInFile,
} from "./cross-checks.ts";
import { type FileNode, unknownNodeSettings } from "./file-nodes.ts";
import { inputs, type Texts, type Values } from "./input-definitions.ts";
import { readInputs } from "./input-schema.ts";
import { nodesOf } from "./nodes.ts";
import { federationsOf, misplacedEntries } from "./peerings.ts";
import { reservedProblems } from "./reserved-settings.ts";
import { secretsIn } from "./secret-settings.ts";
import { readOwnSecrets, resolveSecurity } from "./security-inputs.ts";
import { type DeclaredPeering, noSeeds } from "./seeds.ts";
import { unrestorable } from "./snapshot.ts";
import { readVersionFile } from "./version-file.ts";
import { shown } from "./wording.ts";

/**
 * Turns the runner's strings into the spec of a cluster.
 *
 * @param read - gives an input's text by its name, as `core.getInput` does
 * @param readFile - reads the cluster file and the files it names
 * @param mask - gets every secret that the user gives, also if the inputs are refused
 * @returns the spec, and warnings about valid inputs that are probably mistakes
 * @throws InputError with all problems
 */
export function parseInputs(
  read: (name: string) => string,
  readFile: ReadFile = noFiles,
  mask: (secret: string) => void = () => {},
): { spec: ClusterSpec; warnings: string[] } {
  const { texts, values, problems: refused } = readAll(read, readFile);
  const cluster = readCluster(texts.get("cluster") ?? "", readFile);
  // First of all: messages and debug output may quote configuration.
  for (const secret of configSecrets(texts, cluster.secrets)) mask(secret);
  const { file } = cluster;
  const own = readOwnSecrets(texts, file, readFile);
  for (const secret of own.secrets) mask(secret);
  const spec = values && specOf(values, file, own.ca);
  const problems = [
    ...refused,
    ...cluster.problems,
    ...samePorts(texts),
    ...versionAgainstImage(texts, file),
    ...wrongVersionInFile(file, texts),
    ...memoryOfSeveral(texts, spec),
    ...manyClients(texts, file),
    ...own.problems,
    ...(file ? disagreements(file, changedInputs(texts)) : []),
    ...(spec ? unknownNodes(spec.seeds.services, nodesOf(spec.datacenters)) : []),
    ...(spec ? misplacedEntries(spec.seeds.configEntries, spec.datacenters) : []),
    ...(spec ? unrestorable(spec) : []),
    ...(spec ? agentsNodes(spec.seeds.catalog, nodesOf(spec.datacenters)) : []),
    ...(spec && file
      ? unknownNodeSettings(file.nodes, nodesOf(spec.datacenters), file.placeOf)
      : []),
    // What agents have depends on the file.
    ...(spec && cluster.problems.length === 0 ? reservedProblems(spec, file?.placeOf) : []),
  ];
  if (!spec || problems.length > 0) throw new InputError(byVersionFile(problems, texts));
  return { spec, warnings: warningsOf(spec) };
}

/** Every input by itself. The version is that of the version file, if there is one. */
function readAll(read: (name: string) => string, readFile: ReadFile) {
  const path = read("version-file");
  const found = path === "" ? undefined : readVersionFile(path, readFile);
  const version = found && "version" in found ? found.version : undefined;
  const all = readInputs(inputs, (name) => (name === "version" && version) || read(name));
  const wrong = wrongVersion(all.texts);
  // What is wrong with a version of Consul's own image can be said better than by the input alone.
  const others = all.problems.filter(({ input }) => input !== "version" || wrong.length === 0);
  const problems = [
    ...others,
    ...wrong,
    ...(found && "problem" in found ? [found.problem] : []),
    ...versionTwice(path, read("version")),
  ];
  return { ...all, problems };
}

/** Problems with the version, said of the file that it comes from, if it comes from one. */
function byVersionFile(problems: readonly Problem[], texts: Texts): readonly Problem[] {
  const path = texts.get("version-file") ?? "";
  if (path === "") return problems;
  return problems.map((problem) => ({
    ...problem,
    input: problem.input === "version" ? "version-file" : problem.input,
    message: problem.message.replaceAll(
      /(?<=[Ii]nput )`version`/g,
      `\`version-file\` (${shown(path)})`,
    ),
  }));
}

/**
 * Every secret in the configuration that the user gives: in the inputs `config` and `env`, and in
 * the cluster file.
 */
function configSecrets(texts: Texts, inFile: readonly string[]): ReadonlySet<string> {
  const env = (texts.get("env") ?? "").split(/\r?\n/);
  return new Set([...secretsIn(env, [texts.get("config") ?? ""]), ...inFile]);
}

function noFiles(): never {
  throw new Error("there is no workspace");
}

/** The file overrides the inputs. */
function specOf(
  values: Values,
  file: ClusterFile | undefined,
  ca: CertificateAuthority | undefined,
): ClusterSpec {
  const image = (file?.image && parseImage(file.image)) || imageFor(values);
  const named = file?.datacenters ?? [];
  const [first = { name: values.datacenter }, ...others] = named;
  const joined = joinedBy(named, file?.seeds.peerings ?? []);
  return {
    images: candidates(image, file?.version ?? values.version),
    pull: values.pull,
    datacenters: [
      { ...resolveDatacenter(first, values, others.length > 0), ...joined(first) },
      ...others.map((each) => ({ ...resolveDatacenter(each, values, true), ...joined(each) })),
    ],
    ports: {
      http: portOf("http", values["http-port"], values.ports),
      dns: portOf("dns", values["dns-port"], values.ports),
      grpc: portOf("grpc", values["grpc-port"], values.ports),
    },
    config: values.config,
    fileConfig: {
      all: file?.config ?? "",
      server: file?.serverConfig ?? "",
      client: file?.clientConfig ?? "",
    },
    env: values.env,
    nodes: new Map(
      Array.from(file?.nodes ?? [], ([name, own]) => [name, nodeSettings(own, image)] as const),
    ),
    network: values.network,
    engines: values.engines,
    jobNetwork: values["job-network"],
    logLevel: values["log-level"],
    security: resolveSecurity(values, file, ca),
    cli: values.cli,
    snapshot: file?.snapshot,
    seeds: file?.seeds ?? noSeeds,
    timeout: values.timeout,
    exportEnv: values["export-env"],
    cleanup: values.cleanup,
    logs: values.logs,
  };
}

/** How each datacenter is connected with others. */
function joinedBy(datacenters: readonly FileDatacenter[], peerings: readonly DeclaredPeering[]) {
  const names = datacenters.map(({ name }) => name);
  const federations = federationsOf(names, peerings);
  return ({ name }: Pick<FileDatacenter, "name">): Pick<Datacenter, "federation" | "dials"> => {
    const dialed = peerings.filter(({ dialer }) => dialer === name);
    return {
      federation: federations.get(name) ?? name,
      dials: dialed.map(({ acceptor }) => acceptor),
    };
  };
}

/** The default is the image of the edition that there is a license for. */
const imageFor = ({ image, license }: Values): ImageReference => {
  const { repository, tag, digest } = image;
  const isDefault = repository === communityImage && !tag && !digest;
  return isDefault && license !== "" ? { repository: enterpriseImage } : image;
};

/** A node's own version is one of the cluster's repository, whatever tag or digest the others have. */
const nodeSettings = (
  { version, ...own }: FileNode,
  { repository }: ImageReference,
): NodeSettings => ({
  ...own,
  images: version === undefined ? [] : candidates({ repository }, version),
});

/**
 * With several datacenters, all store data in the same way, so that an upgrade or a restart treats
 * them alike: on disk, unless `storage` says memory for all.
 */
function resolveDatacenter(
  declared: Partial<FileDatacenter>,
  values: Values,
  isOneOfSeveral: boolean,
): Omit<Datacenter, "federation" | "dials"> {
  const servers = declared.servers ?? values.servers;
  return {
    name: declared.name ?? values.datacenter,
    servers,
    clients: declared.clients ?? values.clients,
    storage: values.storage || (servers === 1 && !isOneOfSeveral ? "memory" : "disk"),
    config: declared.config ?? "",
  };
}

/**
 * The image references to try for a version, in order. Docker Hub has Consul under two names:
 * `hashicorp/consul`, and the older `consul`. Only the older one has early versions such as 1.4.4;
 * it stopped getting new ones around 1.16, so its `latest` is outdated. Tags of Consul Enterprise end
 * with its name.
 */
export function candidates({ repository, tag, digest }: ImageReference, version: string): string[] {
  if (digest) return [`${repository}${tag ? `:${tag}` : ""}@${digest}`];
  if (tag) return [`${repository}:${tag}`];
  const hasOlderName = repository === communityImage && version !== "latest";
  const tagged = tagFor(repository, version);
  return [repository, ...(hasOlderName ? ["consul"] : [])].map((name) => `${name}:${tagged}`);
}
