import * as z from "zod";
import { type ImageReference, parseImage, tagPattern } from "../docker/image-reference.ts";
import { InputError, type Problem } from "../errors.ts";
import type { Role } from "../plan/agent-config.ts";
import { type ClusterFile, type FileDatacenter, noSeeds, type Seeds } from "./cluster-file.ts";
import { disagreements, type ReadFile, readCluster, unknownNodes } from "./cluster-input.ts";
import { defaultsOf, flag, hintOf, hints, readInputs, shown, timeout } from "./input-schema.ts";
import { datacenterPattern, maxClients, maxConfigBytes, maxServers } from "./limits.ts";
import { nodesOf } from "./nodes.ts";

/** What is wanted: every input read, checked and turned into a value. */
export interface ClusterSpec {
  /** Image references to try, in this order; the first that exists is used. */
  readonly images: readonly string[];
  /** The first is the primary. */
  readonly datacenters: readonly [Datacenter, ...Datacenter[]];
  /** Ports on the runner's loopback for the first server; 0 means any free port. */
  readonly ports: Readonly<Record<PortName, number>>;
  /** More configuration of every agent, HCL or JSON, as the user wrote it; empty for none. */
  readonly config: string;
  /** The same of a cluster file, which comes before; each may be empty. */
  readonly fileConfig: Readonly<Record<"all" | Role, string>>;
  readonly env: ReadonlyMap<string, string>;
  /** An existing docker network; empty for a network of the cluster's own. */
  readonly network: string;
  readonly logLevel: LogLevel;
  readonly security: Security;
  /** Whether later steps get the `consul` command. */
  readonly cli: boolean;
  /** What the cluster holds from its start. */
  readonly seeds: Seeds;
  /** Milliseconds. */
  readonly timeout: number;
  readonly exportEnv: boolean;
  readonly cleanup: boolean;
  /** When the agents' logs are gathered. */
  readonly logs: LogsWhen;
}

export interface Datacenter {
  readonly name: string;
  readonly servers: number;
  readonly clients: number;
  readonly storage: Storage;
  /** More configuration of its agents, as JSON; empty for none. */
  readonly config: string;
}

/** Where servers keep what they are told: `memory` is gone with the container's restart. */
export type Storage = "memory" | "disk";

/** Which of Consul's three protections are on. */
export interface Security {
  readonly acl: boolean;
  readonly gossipEncryption: boolean;
  readonly tls: boolean;
}

export const portNames = ["http", "dns", "grpc"] as const;
export type PortName = (typeof portNames)[number];

const logLevels = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

const logsWhen = ["failure", "always", "never"] as const;
export type LogsWhen = (typeof logsWhen)[number];

/** Networks that every engine has, where containers have no names (docs.docker.com, bridge driver). */
const namelessNetworks = ["bridge", "host", "none", "default"];

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

const port = (standard: number) =>
  wholeNumber(0, 65535).register(hints, {
    default: String(standard),
    allowed: "a port from 1 to 65535, or 0 for any free port",
    example: String(standard),
  });

const image = z.string().transform((text, context): ImageReference => {
  const reference = parseImage(text);
  if (reference) return reference;
  context.addIssue("not an image reference");
  return z.NEVER;
});

// No variable and no argument of a program can hold a NUL.
const envLinePattern = /^(?<name>[A-Za-z_][A-Za-z0-9_]*)=(?<value>[^\0]*)$/;

const env = z.string().transform((text, context): ReadonlyMap<string, string> => {
  const variables = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const { name, value } = envLinePattern.exec(line)?.groups ?? {};
    if (name === undefined || value === undefined)
      context.addIssue(`line ${index + 1} is not NAME=value`);
    else if (variables.has(name)) context.addIssue(`line ${index + 1} gives ${name} again`);
    else variables.set(name, value);
  }
  return variables;
});

/** Every input, in the order of action.yml. */
const inputs = z.object({
  cluster: z.string().register(hints, {
    default: "",
    allowed: "the path of a cluster file in the workspace, or its YAML",
    example: "test/cluster.yml",
  }),
  version: z.string().regex(tagPattern).register(hints, {
    default: "latest",
    allowed:
      "a tag of the Consul image: at most 128 letters, digits, '.', '_' and '-', not beginning with '.' or '-'",
    example: "2.1",
  }),
  image: image.register(hints, {
    default: "hashicorp/consul",
    allowed: "an image reference: [registry[:port]/]repository[:tag][@sha256:digest]",
    example: "hashicorp/consul",
  }),
  servers: wholeNumber(1, maxServers).register(hints, {
    default: "3",
    allowed: `a whole number from 1 to ${maxServers} (each write is copied to every server)`,
    example: "3",
  }),
  clients: wholeNumber(0, maxClients).register(hints, {
    default: "0",
    allowed: `a whole number from 0 to ${maxClients} (each agent takes about 50 MB of memory)`,
    example: "2",
  }),
  storage: z.enum(["", "memory", "disk"]).register(hints, {
    default: "",
    allowed: "memory or disk, or empty for memory with a single server and disk with several",
    example: "disk",
  }),
  datacenter: z.string().regex(datacenterPattern).register(hints, {
    default: "dc1",
    allowed: "at most 63 lower-case letters, digits, '-' and '_'",
    example: "dc1",
  }),
  "http-port": port(8500),
  "dns-port": port(8600),
  "grpc-port": port(8502),
  config: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= maxConfigBytes && !text.includes("\0"))
    .register(hints, {
      default: "",
      allowed: `agent configuration in HCL or JSON of at most ${maxConfigBytes} bytes (Linux passes no longer argument to a program)`,
      example: '{"limits": {"http_max_conns_per_client": 500}}',
    }),
  env: env.register(hints, {
    default: "",
    allowed: "lines of the form NAME=value, each name once",
    example: "CONSUL_DATA_DIR=/consul/data",
  }),
  network: z
    .string()
    .regex(/^([A-Za-z0-9][A-Za-z0-9_.-]{0,127})?$/)
    .refine((name) => !namelessNetworks.includes(name))
    .register(hints, {
      default: "",
      allowed:
        "the name of a docker network, letters, digits, '.', '_' and '-', that somebody created: in bridge, host and none containers have no names",
      example: "my-network",
    }),
  "log-level": z.enum(logLevels).register(hints, {
    default: "info",
    allowed: `one of ${logLevels.join(", ")}`,
    example: "info",
  }),
  acl: flag(false),
  "gossip-encryption": flag(false),
  tls: flag(false),
  cli: flag(false),
  timeout,
  "export-env": flag(true),
  cleanup: flag(true),
  logs: z.enum(logsWhen).register(hints, {
    default: "failure",
    allowed: `one of ${logsWhen.join(", ")}`,
    example: "always",
  }),
  "job-status": z.string().register(hints, {
    default: "",
    allowed: "left to the runner",
    example: "success",
  }),
});

type Values = z.output<typeof inputs>;
type Texts = ReadonlyMap<string, string>;

/** Every input's default, as the runner's string. action.yml and README are checked against it. */
export const inputDefaults = defaultsOf(inputs);

/**
 * Turns the runner's strings into what is wanted.
 *
 * @param read - gives an input's text by its name, as `core.getInput` does
 * @param readFile - reads the cluster file and what that names; none is read without one
 * @returns the spec, and warnings about what is allowed but hardly meant
 * @throws InputError with every problem there is
 */
export function parseInputs(
  read: (name: string) => string,
  readFile: ReadFile = noFiles,
): { spec: ClusterSpec; warnings: string[] } {
  const { texts, values, problems: refused } = readInputs(inputs, read);
  const cluster = readCluster(texts.get("cluster") ?? "", readFile);
  const { file } = cluster;
  const spec = values && specOf(values, file);
  const problems = [
    ...refused,
    ...cluster.problems,
    ...samePorts(texts),
    ...versionAgainstImage(texts, file),
    ...memoryOfSeveral(texts, spec),
    ...(file ? disagreements(file, given(texts)) : []),
    ...(spec ? unknownNodes(spec.seeds.services, nodesOf(spec.datacenters)) : []),
  ];
  if (!spec || problems.length > 0) throw new InputError(problems);
  return { spec, warnings: warningsOf(spec) };
}

function noFiles(): never {
  throw new Error("there is no workspace to read from");
}

/** The inputs that are not at their defaults. */
function given(texts: Texts): Texts {
  return new Map([...texts].filter(([name, text]) => text !== hintOf(inputs, name).default));
}

// The checks below judge inputs together. They parse what they need on their own, so that
// their problems are reported even where another input is refused.

function samePorts(texts: Texts): Problem[] {
  const ports = portNames.map((name) => {
    const input = `${name}-port` as const;
    return { input, port: inputs.shape[input].safeParse(texts.get(input)).data };
  });
  return ports.flatMap(({ input, port }, index) => {
    const same = ports.slice(0, index).find((earlier) => earlier.port === port);
    if (!same || !port) return [];
    const message = `Inputs \`${same.input}\` and \`${input}\` are both ${port}: each needs a port of its own. Use 0 for any free port.`;
    return [{ input, message }];
  });
}

function versionAgainstImage(texts: Texts, file: ClusterFile | undefined): Problem[] {
  const said = given(texts);
  const version = file?.version ?? inputs.shape.version.safeParse(said.get("version")).data;
  const text = file?.image ?? texts.get("image") ?? "";
  const reference = parseImage(text);
  const fixed = reference?.tag ?? reference?.digest;
  if (version === undefined || fixed === undefined || version === reference?.tag) return [];
  const [first, second] = [
    `${file?.version === undefined ? "Input" : "The cluster file's"} \`version\``,
    `${file?.image === undefined ? "" : "the file's "}\`image\``,
  ];
  return [
    {
      input: "version",
      message: `${first} is ${shown(version)}, but ${second} is ${shown(text)}, which fixes it already: leave \`version\` out, or the tag and digest.`,
    },
  ];
}

function memoryOfSeveral(texts: Texts, spec: ClusterSpec | undefined): Problem[] {
  const storage = inputs.shape.storage.safeParse(texts.get("storage")).data;
  const own = inputs.shape.servers.safeParse(texts.get("servers")).data ?? 1;
  const servers = Math.max(...(spec?.datacenters.map((each) => each.servers) ?? [own]));
  if (storage !== "memory" || servers === 1) return [];
  const message = `Input \`storage\` is "memory", but \`servers\` is ${servers}: Consul keeps its data in memory in \`-dev\` mode only, where every server elects itself alone, so several would never be one cluster. Use \`storage: disk\` or \`servers: 1\`.`;
  return [{ input: "storage", message }];
}

function warningsOf({ datacenters }: ClusterSpec): string[] {
  const agents = datacenters.reduce((sum, { servers, clients }) => sum + servers + clients, 0);
  return [
    ...datacenters
      .filter(({ servers }) => servers % 2 === 0)
      .map(({ name, servers }) => evenServers(servers, datacenters.length > 1 ? name : "")),
    ...(agents > maxNeighborly ? [manyAgents(agents)] : []),
  ];
}

function evenServers(servers: number, datacenter: string): string {
  const survived = (count: number) => Math.ceil(count / 2) - 1;
  const where = datacenter === "" ? "" : ` in datacenter ${datacenter}`;
  return `Input \`servers\` is ${servers}${where}, an even number: a quorum of ${servers} servers is ${servers / 2 + 1}, so the cluster survives the loss of ${survived(servers)}, no more than with ${servers - 1}.`;
}

/** Every agent gets to know every other, and Linux keeps 1024 neighbors unless told otherwise. */
const maxNeighborly = 32;

function manyAgents(agents: number): string {
  return `The cluster is to have ${agents} agents: with more than ${maxNeighborly} Linux's table of neighbors overflows, packets are lost and members are taken for failed, unless net.ipv4.neigh.default.gc_thresh3 is raised in an earlier step (\`sudo sysctl -w net.ipv4.neigh.default.gc_thresh3=16384\`).`;
}

/** What the file does not say, the inputs say. */
function specOf(values: Values, file: ClusterFile | undefined): ClusterSpec {
  const image = (file?.image && parseImage(file.image)) || values.image;
  const named = file?.datacenters ?? [];
  const [first = { name: values.datacenter }, ...others] = named;
  return {
    images: candidates(image, file?.version ?? values.version),
    datacenters: [
      datacenterOf(first, values, others.length > 0),
      ...others.map((each) => datacenterOf(each, values, true)),
    ],
    ports: {
      http: values["http-port"],
      dns: values["dns-port"],
      grpc: values["grpc-port"],
    },
    config: values.config,
    fileConfig: {
      all: file?.config ?? "",
      server: file?.serverConfig ?? "",
      client: file?.clientConfig ?? "",
    },
    env: values.env,
    network: values.network,
    logLevel: values["log-level"],
    security: {
      acl: file?.acl ?? values.acl,
      gossipEncryption: file?.gossipEncryption ?? values["gossip-encryption"],
      tls: file?.tls ?? values.tls,
    },
    cli: values.cli,
    seeds: file?.seeds ?? noSeeds,
    timeout: values.timeout,
    exportEnv: values["export-env"],
    cleanup: values.cleanup,
    logs: values.logs,
  };
}

/**
 * Memory means `-dev` mode, which turns Connect on. Datacenters must agree on that, so where there
 * are several, each keeps its data on disk unless all shall keep it in memory.
 */
function datacenterOf(
  said: Partial<FileDatacenter>,
  values: Values,
  isOneOfSeveral: boolean,
): Datacenter {
  const servers = said.servers ?? values.servers;
  return {
    name: said.name ?? values.datacenter,
    servers,
    clients: said.clients ?? values.clients,
    storage: values.storage || (servers === 1 && !isOneOfSeveral ? "memory" : "disk"),
    config: said.config ?? "",
  };
}

/**
 * Docker Hub has Consul under two names: `hashicorp/consul`, and the older `consul`, which alone
 * holds early versions such as 1.4.4 and stopped getting new ones around 1.16. So its `latest` is
 * not the latest.
 */
export function candidates({ repository, tag, digest }: ImageReference, version: string): string[] {
  if (digest) return [`${repository}${tag ? `:${tag}` : ""}@${digest}`];
  if (tag) return [`${repository}:${tag}`];
  const hasOlderName = repository === "hashicorp/consul" && version !== "latest";
  return [repository, ...(hasOlderName ? ["consul"] : [])].map((name) => `${name}:${version}`);
}
