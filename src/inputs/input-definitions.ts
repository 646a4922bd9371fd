import { posix } from "node:path";
import * as z from "zod";
import { pullPolicies } from "../docker/find-image.ts";
import { type ImageReference, parseImage, tagPattern } from "../docker/image-reference.ts";
import { agentPorts } from "./agent-defaults.ts";
import { logLevels, type PortName, portDefaults } from "./cluster-spec.ts";
import { defaultsOf, flag, hints, jobStatusInput, logsInput, timeout } from "./input-schema.ts";
import {
  clientsAllowed,
  datacenterPattern,
  maxClients,
  maxConfigBytes,
  maxEngines,
  maxServers,
} from "./limits.ts";

/** Networks that every engine has; they don't resolve container names (docs.docker.com, bridge driver). */
export const namelessNetworks: readonly string[] = ["bridge", "host", "none", "default"];

/** Docker has no limit of its own, and Gitea's runner makes names of more than 128 characters. */
const networkPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;

/** Names that `docker context create` takes. */
const contextPattern = /^[A-Za-z0-9][A-Za-z0-9_.+-]*$/;

/** A network in which containers have names. */
const isNamedNetwork = (name: string) =>
  networkPattern.test(name) && !namelessNetworks.includes(name);

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** Undefined if the default is wanted, which depends on the input `ports`. */
const port = (name: PortName) =>
  z.union([z.literal("").transform(() => undefined), wholeNumber(0, 65535)]).register(hints, {
    default: "",
    allowed: "a port from 1 to 65535, 0 for any free port, or empty for the default",
    example: String(agentPorts[name]),
  });

const image = z.string().transform((text, context): ImageReference => {
  const reference = parseImage(text);
  if (reference) return reference;
  context.addIssue("not an image reference");
  return z.NEVER;
});

/** The name of an environment variable. */
export const variablePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

// No variable and no argument of a program can hold a NUL.
const envLinePattern = /^(?<name>[A-Za-z_][A-Za-z0-9_]*)=(?<value>[^\0]*)$/;

/** A variable that the action itself reads. */
interface OwnVariable {
  readonly name: string;
  readonly pattern: RegExp;
  /** What a value must be. */
  readonly allowed: string;
}

/** The official image's variables that the action reads as well. Empty means unset to both. */
const ownVariables: readonly OwnVariable[] = [
  { name: "CONSUL_DATA_DIR", pattern: /^(?:\/+[^/]|$)/, allowed: "an absolute path" },
  ...["CONSUL_BIND_INTERFACE", "CONSUL_CLIENT_INTERFACE"].map((name) => {
    return { name, pattern: /^[A-Za-z0-9._-]{0,15}$/, allowed: "the name of a network interface" };
  }),
  ...["CONSUL_UID", "CONSUL_GID"].map((name) => {
    return { name, pattern: /^\d{0,9}$/, allowed: "a whole number" };
  }),
];

/** Variables that the action acts on, for all agents alike. */
export const ownVariableNames: readonly string[] = [
  ...ownVariables.map(({ name }) => name),
  "CONSUL_CONFIG_DIR",
];

const env = z.string().transform((text, context): ReadonlyMap<string, string> => {
  const variables = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const { name, value } = envLinePattern.exec(line)?.groups ?? {};
    const own = ownVariables.find((each) => each.name === name);
    if (name === undefined || value === undefined)
      context.addIssue(`line ${index + 1} is not NAME=value`);
    else if (variables.has(name)) context.addIssue(`line ${index + 1} sets ${name} again`);
    else if (own && !own.pattern.test(value))
      context.addIssue(`line ${index + 1}: ${name} must be ${own.allowed}`);
    else variables.set(name, name === "CONSUL_DATA_DIR" ? normalPath(value) : value);
  }
  return variables;
});

/** Without a slash at the end, `.`, or `..`: two spellings of a folder would be two volumes. */
const normalPath = (path: string) =>
  path === "" ? "" : posix.normalize(path).replace(/(?<=.)\/$/, "");

/** Every input, in the order of action.yml. */
export const inputs = z.object({
  cluster: z.string().register(hints, {
    default: "",
    allowed: "the path of a cluster file in the workspace, or its YAML",
    example: "test/cluster.yml",
  }),
  version: z.string().regex(tagPattern).register(hints, {
    default: "latest",
    allowed:
      "a tag of the Consul image: at most 128 letters, digits, `.`, `_`, and `-`, not starting with `.` or `-`",
    example: "2.1",
  }),
  "version-file": z.string().register(hints, {
    default: "",
    allowed: "the path of a file in the workspace that names the version, or empty",
    example: ".consul-version",
  }),
  image: image.register(hints, {
    default: "hashicorp/consul",
    allowed: "an image reference: [registry[:port]/]repository[:tag][@sha256:digest]",
    example: "hashicorp/consul",
  }),
  pull: z.enum(pullPolicies).register(hints, {
    default: "missing",
    allowed: `one of ${pullPolicies.join(", ")}`,
    example: "always",
  }),
  servers: wholeNumber(1, maxServers).register(hints, {
    default: "3",
    allowed: `a whole number from 1 to ${maxServers} (every write goes to every server)`,
    example: "3",
  }),
  clients: wholeNumber(0, maxClients).register(hints, {
    default: "0",
    allowed: `${clientsAllowed} (each agent needs about 50 MB of memory)`,
    example: "2",
  }),
  storage: z.enum(["", "memory", "disk"]).register(hints, {
    default: "",
    allowed: "`memory` or `disk`, or empty for memory with one server and disk with several",
    example: "disk",
  }),
  datacenter: z.string().regex(datacenterPattern).register(hints, {
    default: "dc1",
    allowed: "1 to 63 lowercase letters, digits, `-`, and `_`",
    example: "dc1",
  }),
  ports: z.enum(portDefaults).register(hints, {
    default: "fixed",
    allowed: "`fixed` for Consul's own ports, or `auto` for free ones",
    example: "auto",
  }),
  "http-port": port("http"),
  "dns-port": port("dns"),
  "grpc-port": port("grpc"),
  config: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= maxConfigBytes && !text.includes("\0"))
    .register(hints, {
      default: "",
      allowed: `agent configuration in HCL or JSON of at most ${maxConfigBytes} bytes (the longest argument that Linux passes to a program)`,
      example: '{"limits": {"http_max_conns_per_client": 500}}',
      isSecret: true,
    }),
  env: env.register(hints, {
    default: "",
    allowed: "lines of the form NAME=value, with each name only once",
    example: "CONSUL_DATA_DIR=/consul/data",
    isSecret: true,
  }),
  network: z
    .string()
    .refine((name) => name === "" || isNamedNetwork(name))
    .register(hints, {
      default: "",
      allowed:
        "the name of a Docker network that you created: at most 255 letters, digits, `.`, `_`, and `-`; the networks bridge, host, and none don't resolve container names",
      example: "my-network",
    }),
  engines: z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((name) => name !== ""))
    .refine((names) => names.length !== 1 && names.length <= maxEngines)
    .refine((names) => names.every((name) => contextPattern.test(name)))
    .refine((names) => new Set(names).size === names.length)
    .register(hints, {
      default: "",
      allowed: `two to ${maxEngines} different docker contexts, separated by white space or commas, or empty for the engine in use`,
      example: "default worker-1 worker-2",
    }),
  // Whatever the runner says is right: a network without names counts as none.
  "job-network": z
    .string()
    .transform((name) => (isNamedNetwork(name) ? name : ""))
    .register(hints, {
      default: "",
      allowed: "set by the runner",
      example: "github_network_0123",
    }),
  "log-level": z.enum(logLevels).register(hints, {
    default: "info",
    allowed: `one of ${logLevels.join(", ")}`,
    example: "info",
  }),
  acl: flag(false),
  "management-token": z.union([z.literal(""), z.guid()]).register(hints, {
    default: "",
    allowed: "a UUID (8, 4, 4, 4, and 12 hexadecimal digits), or empty for a new one",
    example: "$" + "{{ secrets.CONSUL_TOKEN }}",
    isSecret: true,
  }),
  "gossip-encryption": flag(false),
  tls: z.union([flag(false), z.literal("mutual")]).register(hints, {
    default: "false",
    allowed: "true, false, or mutual",
    example: "mutual",
  }),
  "ca-cert": z.string().register(hints, {
    default: "",
    allowed: "the path of a file in the workspace with a CA's certificate in PEM, or empty",
    example: "test/ca.pem",
  }),
  "ca-key": z.string().register(hints, {
    default: "",
    allowed: "the path of a file in the workspace with the CA's private key in PEM, or empty",
    example: "test/ca-key.pem",
  }),
  license: z
    .string()
    .regex(/^[A-Za-z0-9+/=_-]*$/)
    .register(hints, {
      default: "",
      allowed:
        "the text of a license of Consul Enterprise, and not the path of a file, or empty for the community edition",
      example: "$" + "{{ secrets.CONSUL_LICENSE }}",
      isSecret: true,
    }),
  cli: flag(false),
  timeout,
  "export-env": flag(true),
  cleanup: flag(true),
  logs: logsInput,
  "job-status": jobStatusInput,
});

export type Values = z.output<typeof inputs>;
export type Texts = ReadonlyMap<string, string>;

/** Every input's default, as the runner passes it. A check compares action.yml and README with it. */
export const inputDefaults = defaultsOf(inputs);
