import { LineCounter } from "yaml";
import type { Place, Problem } from "../errors.ts";
import { type Setting, settingsIn } from "./agent-config-text.ts";
import { agentPorts, bindInterface, clientAddress, imageDataDirectory } from "./agent-defaults.ts";
import type { ClusterSpec } from "./cluster-spec.ts";
import { type Fragment, fragmentsOf, settingName } from "./config-fragments.ts";
import { type NodeShape, nodesOf } from "./nodes.ts";
import { type Path, pathText, placeText, shown } from "./wording.ts";

/** Values that a setting may have. With none, it can't be set at all. */
type Allowed = readonly (string | number | boolean)[] | "any";

/** A setting of agents that the action makes itself and relies on. */
interface Reserved {
  /** Its keys, with dots between them. */
  readonly setting: string;
  /** What an agent has. Any of these values may be given, which changes nothing; the first is usual. */
  readonly values: (agent: NodeShape, spec: ClusterSpec) => Allowed;
  /** What to do instead of setting it: the end of a message. */
  readonly instead: string;
}

const roles =
  "use the inputs `servers` and `clients`, or `datacenters` in a cluster file, to say how many agents there are";
const primary = "list the primary datacenter first under `datacenters` in a cluster file";
const clientInterface =
  "set `CONSUL_CLIENT_INTERFACE` in the input `env` to choose what agents listen on";
const clientCertificates = "use `tls: mutual` to have HTTPS ask callers for a certificate";
const ownAddress =
  "keep the default: every agent has an address of its own, so ports can't collide";

/** The address of an interface, the way configuration asks for it. */
const interfaceIp = (name: string) => `{{ GetInterfaceIP "${name}" }}`;

const clientAddresses: Reserved["values"] = (_, { env }) => {
  const name = env.get("CONSUL_CLIENT_INTERFACE");
  return [name ? interfaceIp(name) : clientAddress];
};

const listeners = [
  "client_addr",
  ...["http", "https", "dns", "grpc", "grpc_tls"].map((name) => `addresses.${name}`),
];

const primaryName: Reserved["values"] = ({ federation }) => [federation];

/** A secret that the action chooses: no message may quote what is given. */
const managementToken: Reserved["values"] = (_, { security }) => (security.acl ? [] : "any");

/** Whether HTTPS asks for a certificate, which callers of the action's own need then, too. */
const asksCallers: Reserved["values"] = (_, { security }) =>
  security.tls ? [security.tls.isMutual] : "any";

/** The same for all of an agent's APIs. */
const asksAll: Reserved["values"] = (_, { security }) =>
  security.tls && !security.tls.isMutual ? [false] : "any";

/** Consul's own name for a feature that is off. */
const off = -1;

/** Every setting that the user can't change by configuration. docs/cluster-file.md lists them. */
export const reservedSettings: readonly Reserved[] = [
  {
    setting: "node_name",
    values: ({ node }) => [node],
    instead: "use the names that the action gives, which the output `nodes` lists",
  },
  {
    setting: "datacenter",
    values: ({ datacenter }) => [datacenter],
    instead: "use the input `datacenter`, or `datacenters` in a cluster file",
  },
  { setting: "primary_datacenter", values: primaryName, instead: primary },
  // Its name up to Consul 1.10.
  { setting: "acl_datacenter", values: primaryName, instead: primary },
  { setting: "server", values: ({ role }) => [role === "server"], instead: roles },
  { setting: "bootstrap", values: () => [false], instead: roles },
  {
    setting: "bootstrap_expect",
    values: ({ role, datacenter }, { datacenters }) => {
      const own = datacenters.find(({ name }) => name === datacenter);
      return [role === "server" && own?.storage === "disk" ? own.servers : 0];
    },
    instead: roles,
  },
  {
    setting: "data_dir",
    values: (_, { env }) => [env.get("CONSUL_DATA_DIR") || imageDataDirectory],
    instead: "set `CONSUL_DATA_DIR` in the input `env`",
  },
  {
    setting: "bind_addr",
    values: (_, { env }) => [interfaceIp(env.get("CONSUL_BIND_INTERFACE") || bindInterface)],
    instead: "set `CONSUL_BIND_INTERFACE` in the input `env`",
  },
  ...listeners.map((setting) => ({ setting, values: clientAddresses, instead: clientInterface })),
  {
    setting: "ports.http",
    values: (_, { security }) => [security.tls ? off : agentPorts.http],
    instead: "use the input `http-port` for the port on the runner, and the input `tls` for HTTPS",
  },
  {
    setting: "ports.https",
    values: (_, { security }) => [security.tls ? agentPorts.http : off],
    instead: "use the input `tls` for HTTPS, and the input `http-port` for the port on the runner",
  },
  {
    setting: "ports.grpc",
    // With TLS from Consul 1.14 on, there is `grpc_tls` instead.
    values: (_, { security }) => (security.tls ? [off, agentPorts.grpc] : [agentPorts.grpc]),
    instead: "use the input `grpc-port` for the port on the runner",
  },
  {
    setting: "ports.grpc_tls",
    // Without TLS, Consul's own default from 1.14 on. Nothing of ours uses it, so it may be off.
    values: (_, { security }) => (security.tls ? [agentPorts.grpc] : [8503, off]),
    instead: "use the input `tls` for TLS, and the input `grpc-port` for the port on the runner",
  },
  {
    setting: "ports.dns",
    values: () => [agentPorts.dns],
    instead: "use the input `dns-port` for the port on the runner",
  },
  { setting: "ports.server", values: () => [8300], instead: ownAddress },
  { setting: "ports.serf_lan", values: () => [8301], instead: ownAddress },
  { setting: "ports.serf_wan", values: () => [8302], instead: ownAddress },
  // Its names from Consul 1.11 on, before, and up to 1.10.
  ...["acl.tokens.initial_management", "acl.tokens.master", "acl_master_token"].map((setting) => ({
    setting,
    values: managementToken,
    instead: "use the input `management-token`",
  })),
  // The second of each is from Consul 1.12 on.
  ...["verify_incoming_https", "tls.https.verify_incoming"].map((setting) => ({
    setting,
    values: asksCallers,
    instead: clientCertificates,
  })),
  ...["verify_incoming", "tls.defaults.verify_incoming"].map((setting) => ({
    setting,
    values: asksAll,
    instead: clientCertificates,
  })),
  {
    setting: "license_path",
    values: (_, { security }) => (security.license ? [] : "any"),
    instead: "leave it out, or give the license in another way than by the input `license`",
  },
];

const reservedByName = new Map(reservedSettings.map((each) => [each.setting, each]));

/**
 * The values in configuration that would change what the action itself sets and relies on.
 *
 * @param placeOf - gives the place of a key in the cluster file
 */
export function reservedProblems(
  spec: ClusterSpec,
  placeOf: (...path: Path) => Place = noFile,
): Problem[] {
  const nodes = nodesOf(spec.datacenters);
  return fragmentsOf(spec).flatMap((fragment) => {
    const agents = nodes.filter(fragment.isFor);
    const problemOf = problemsIn(fragment, placeOf);
    return settingsIn(fragment.text).flatMap((setting) => {
      const reserved = reservedByName.get(settingName(setting));
      const words = reserved && conflict(setting.value, reserved, agents, spec);
      return words === undefined ? [] : [problemOf(setting, words)];
    });
  });
}

function noFile(): never {
  throw new Error("only a cluster file has places");
}

/** What is wrong with a value, unless every agent that gets it may have it. */
function conflict(
  value: string,
  { values, instead }: Reserved,
  agents: readonly NodeShape[],
  spec: ClusterSpec,
): string | undefined {
  for (const agent of agents) {
    const own = values(agent, spec);
    if (own === "any" || own.some((each) => String(each) === value)) continue;
    if (own.length === 0) return `can't be set here: ${instead}.`;
    return `is ${asWritten(value)}, but the action needs ${asWritten(String(own[0]))} on ${agent.node}: ${instead}.`;
  }
  return undefined;
}

/** Numbers and switches without quotes. */
const asWritten = (value: string) =>
  /^(?:-?\d{1,9}|true|false)$/.test(value) ? value : shown(value);

/** Makes the problems of one fragment, whose lines are counted once. */
function problemsIn(
  { source, text }: Fragment,
  placeOf: (...path: Path) => Place,
): (setting: Setting, words: string) => Problem {
  if (typeof source === "string") {
    const lines = linesOf(text);
    const origin = source === "env" ? "Input `env`: CONSUL_LOCAL_CONFIG" : "Input `config`";
    return ({ path, offset }, words) => {
      const { line, col } = lines.linePos(offset);
      const location = `line ${line}, column ${col}`;
      return { input: source, message: `${origin}, ${location}: \`${pathText(path)}\` ${words}` };
    };
  }
  return ({ path }, words) => {
    const whole = [...source, ...path];
    const place = placeOf(...whole);
    const message = `${placeText(place)}: \`${pathText(whole)}\` ${words}`;
    return { input: "cluster", place, message };
  };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return lines;
}
