import { distance } from "fastest-levenshtein";
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from "yaml";
import * as z from "zod";
import { parseImage, tagPattern } from "../docker/image-reference.ts";
import { messageOf, type Place, type Problem } from "../errors.ts";
import { datacenterPattern, maxClients, maxConfigBytes, maxServers } from "./limits.ts";

/** Something in Consul's own words, which Consul judges. */
export type Definition = Readonly<Record<string, unknown>>;

/** One thing that the file declares, and where. */
export interface Declared {
  /** For messages: `services[0] (web)`. */
  readonly name: string;
  readonly place: Place;
  readonly value: Definition;
}

export interface DeclaredService extends Declared {
  /** Whose agent it is registered with, where the file says so. */
  readonly node: string | undefined;
}

export interface DeclaredKey {
  readonly name: string;
  readonly place: Place;
  readonly key: string;
  readonly value: Buffer;
}

/** What a cluster is to hold from its start. */
export interface Seeds {
  readonly policies: readonly Declared[];
  readonly roles: readonly Declared[];
  readonly tokens: readonly Declared[];
  readonly configEntries: readonly Declared[];
  readonly services: readonly DeclaredService[];
  readonly kv: readonly DeclaredKey[];
}

export const noSeeds: Seeds = {
  policies: [],
  roles: [],
  tokens: [],
  configEntries: [],
  services: [],
  kv: [],
};

export interface FileDatacenter {
  readonly name: string;
  readonly servers: number | undefined;
  readonly clients: number | undefined;
  /** Agent configuration as JSON; empty for none. */
  readonly config: string;
}

/** A cluster file that keeps every rule. What it does not mention is undefined or empty. */
export interface ClusterFile {
  readonly version: string | undefined;
  readonly image: string | undefined;
  readonly datacenters: readonly FileDatacenter[];
  /** Agent configuration as JSON; empty for none. */
  readonly config: string;
  readonly serverConfig: string;
  readonly clientConfig: string;
  readonly acl: boolean | undefined;
  readonly gossipEncryption: boolean | undefined;
  readonly tls: boolean | undefined;
  readonly seeds: Seeds;
  /** Where a key or an item stands: `placeOf("datacenters", 0, "servers")`. */
  placeOf(...path: Path): Place;
}

type Path = readonly PropertyKey[];

// Every `error` is the second half of a message: "`datacenters[0].servers` is 99: it must be …".

const text = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

const wholeNumber = (min: number, max: number) => {
  const error = `it must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const flag = () => z.boolean({ error: "it must be true or false" });

const definitionError = "it must be a mapping of Consul's own keys";
const definition = () => z.looseObject({}, { error: definitionError });

const configError = `it must be a mapping of Consul's own keys, of at most ${maxConfigBytes} bytes as JSON (Linux passes no longer argument to a program)`;
const config = (whom: string) =>
  z
    .looseObject({}, { error: configError })
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= maxConfigBytes, {
      error: configError,
    })
    .optional()
    .describe(
      `Agent configuration for ${whom}, in Consul's own keys: https://developer.hashicorp.com/consul/docs/agent/config`,
    );

const list = <T extends z.ZodType>(item: T, description: string) =>
  z.array(item, { error: "it must be a list" }).optional().describe(description);

const datacenter = z
  .strictObject(
    {
      name: text(
        datacenterPattern,
        "it must be at most 63 lower-case letters, digits, '-' and '_'",
      ).describe("Name of the datacenter. The first datacenter is the primary."),
      servers: wholeNumber(1, maxServers).optional().describe("Number of server agents."),
      clients: wholeNumber(0, maxClients).optional().describe("Number of client agents."),
      config: config("every agent of this datacenter"),
    },
    { error: "it must be a mapping with `name`, `servers`, `clients` and `config`" },
  )
  .describe("A datacenter. Without `servers` or `clients`, it has as many as the inputs say.");

const service = z
  .looseObject(
    {
      node: z
        .string({ error: "it must be the name of a node" })
        .optional()
        .describe(
          "On which agent: `client-1`, or `east-client-1` where there are several datacenters. By default the first client of the first datacenter, or its first server where it has no clients.",
        ),
      name: z.unknown().optional().describe("Name of the service."),
      id: z.unknown().optional().describe("By default the service's name."),
      port: z.unknown().optional(),
      address: z.unknown().optional(),
      tags: z.unknown().optional(),
      meta: z.unknown().optional(),
      check: z
        .unknown()
        .optional()
        .describe("A health check. With `status: passing` the service is passing from the start."),
      checks: z.unknown().optional().describe("Several health checks."),
      connect: z.unknown().optional(),
    },
    { error: definitionError },
  )
  .describe(
    "A service definition as Consul's agent API takes it: https://developer.hashicorp.com/consul/api-docs/agent/service#register-service",
  );

const acl = z.strictObject(
  {
    policies: list(
      definition(),
      "Policies as the API takes them: Name, Description, Rules, Datacenters.",
    ),
    roles: list(
      definition(),
      "Roles as the API takes them: Name, Description, Policies, ServiceIdentities.",
    ),
    tokens: list(
      definition(),
      "Tokens as the API takes them: AccessorID, SecretID, Description, Policies, Roles, ServiceIdentities, Local. Their secrets are in the output `tokens`.",
    ),
  },
  { error: "it must be true, false, or a mapping with `policies`, `roles` and `tokens`" },
);

const keyError =
  "it must be a string: quote it, since a number or a boolean can be written in several ways";

const schema = z
  .strictObject(
    {
      version: text(
        tagPattern,
        'it must be a tag of the Consul image in quotes: "1.10" without them is the number 1.1',
      )
        .optional()
        .describe('Consul version, as a tag of the image, in quotes: "2.1".'),
      image: z
        .string({ error: "it must be an image reference" })
        .refine((reference) => parseImage(reference) !== undefined, {
          error:
            "it must be an image reference: [registry[:port]/]repository[:tag][@sha256:digest]",
        })
        .optional()
        .describe("Image repository, or a full reference with a tag or digest."),
      datacenters: z
        .array(datacenter, { error: "it must be a list of datacenters" })
        .min(1, { error: "it must name at least one datacenter" })
        .optional()
        .describe("The datacenters. They share a network and are joined over WAN."),
      config: config("every agent"),
      server_config: config("servers only"),
      client_config: config("clients only"),
      acl: z
        .union([flag(), acl], {
          error: "it must be true, false, or a mapping with `policies`, `roles` and `tokens`",
        })
        .optional()
        .describe(
          "ACLs with a default policy of deny; with a mapping, also policies, roles and tokens.",
        ),
      gossip_encryption: flag().optional().describe("A fresh gossip key on every agent."),
      tls: flag().optional().describe("A fresh CA; every agent has a certificate, and HTTPS only."),
      services: list(service, "Services, each registered with an agent of your choice."),
      kv: z
        .record(z.string(), z.string({ error: keyError }), {
          error: "it must be a mapping of keys to strings",
        })
        .optional()
        .describe(
          "Keys and values of the first datacenter's KV store. `@path` reads a file, from the cluster file's folder on; `@@` begins a value with an @.",
        ),
      config_entries: list(
        definition(),
        "Configuration entries as the API takes them, applied in this order: https://developer.hashicorp.com/consul/docs/connect/config-entries",
      ),
    },
    { error: "a cluster file is a mapping; its keys are in docs/cluster-file.md" },
  )
  .describe("A cluster file of consul-cluster-action.");

type Content = z.output<typeof schema>;

/** The keys that are known where only known ones may stand, by the first key of the path. */
const knownKeys = new Map<PropertyKey | undefined, readonly string[]>([
  [undefined, schema.keyof().options],
  ["datacenters", datacenter.keyof().options],
  ["acl", acl.keyof().options],
]);

/** The JSON Schema of a cluster file, for editors. `npm run schema` writes it to a file. */
export function clusterFileSchema(): unknown {
  return z.toJSONSchema(schema, { io: "input", target: "draft-7" });
}

export interface Source {
  readonly text: string;
  /** As messages name it: a path, or the input where the text stands in the workflow itself. */
  readonly name: string;
  /** The file's path in the workspace, if it is one. */
  readonly path?: string;
  /** Reads what a value `@path` names; throws where it can't. */
  readonly readFile: (path: string) => Buffer;
}

/**
 * Reads a cluster file. Nothing that is wrong hides another thing that is wrong, except that
 * what is no YAML is not looked at further.
 *
 * @returns the file, or undefined with every problem that there is
 */
export function parseClusterFile(source: Source): {
  file: ClusterFile | undefined;
  problems: readonly Problem[];
} {
  const lines = new LineCounter();
  const document = parseDocument(source.text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    const { name, path } = source;
    return { file: name, ...(path && { path }), line, column: col };
  };
  const placeOf = (...path: Path) => placeAt(offsetOf(document, path));

  const flaws = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    code,
    problem: problemAt(placeAt(pos[0]), `${shortened(message).replace(/\.$/, "")}.`),
  }));
  const { value, reason } = toValue(document);
  if (reason !== undefined)
    flaws.push({ code: "BAD_ALIAS", problem: problemAt(placeOf(), reason) });
  const problems = flaws.map(({ problem }) => problem);
  // What a text with other flaws would have meant can only be guessed.
  if (flaws.some(({ code }) => code !== "DUPLICATE_KEY")) return { file: undefined, problems };

  const { data, error } = schema.safeParse(value);
  const refused = (error?.issues ?? []).flatMap((issue) => explain(issue, value, placeOf));
  const again = data ? sameNames(data, placeOf) : [];
  const kv = readKeys(data?.kv ?? {}, source, placeOf);
  const lost = lostKeys(document, placeAt);
  const all = [...problems, ...lost, ...refused, ...again, ...kv.problems];
  if (!data || all.length > 0) return { file: undefined, problems: all };
  return { file: fileOf(data, kv.keys, placeOf), problems: [] };
}

type PlaceOf = (...path: Path) => Place;

/** How a place is named in a message. */
export const placeText = ({ file, line, column }: Place) => `${file}:${line}:${column}`;

function problemAt(place: Place, message: string): Problem {
  return { input: "cluster", place, message: `${placeText(place)}: ${message}` };
}

/** An alias may be used often enough for any honest file, not so often that the text explodes. */
const maxAliases = 1000;

function toValue(document: Document): { value?: unknown; reason?: string } {
  try {
    return { value: document.toJS({ maxAliasCount: maxAliases }) };
  } catch (error) {
    // An alias to nothing, too many of them, or a merge of what is no mapping.
    return { reason: `${shortened(messageOf(error))}.` };
  }
}

/** JavaScript's objects can't hold this key as they hold others, so it would be lost in silence. */
function lostKeys(document: Document, placeAt: (offset: number) => Place): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === "__proto__")
        problems.push(problemAt(placeAt(startOf(key) ?? 0), "`__proto__` can't be a key here."));
    },
  });
  return problems;
}

/** Where in the text a key or an item begins; what is not there is its parent's place. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    let key: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === step);
      [key, node] = [pair?.key, pair?.value];
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      key = node;
    } else break;
    offset = startOf(key) ?? offset;
  }
  return offset;
}

const startOf = (node: unknown) => (isNode(node) ? node.range?.[0] : undefined);

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, value: unknown, placeOf: PlaceOf): Problem[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) =>
      problemAt(placeOf(...path, key), unknownKey(key, path, knownKeys.get(path[0]) ?? [])),
    );
  // Of a union's branches, the one that got further than its first step is the one meant.
  const inner = issue.code === "invalid_union" ? issue.errors.find(isInside) : undefined;
  if (inner)
    return inner.flatMap((each) =>
      explain({ ...each, path: [...path, ...each.path] }, value, placeOf),
    );
  const found = valueAt(value, path);
  const subject = path.length === 0 ? "The file" : `\`${pathText(path)}\``;
  return [problemAt(placeOf(...path), `${subject} ${seen(found, path)}: ${issue.message}.`)];
}

const isInside = (issues: readonly Issue[]) => issues.some(({ path }) => path.length > 0);

const maxShown = 80;

/** A text of any length as a message shows it. */
export const shortened = (text: string) =>
  text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;

function seen(found: unknown, path: Path): string {
  if (found === undefined) return "is missing";
  if (found === null) return "is empty";
  // A token's secret must not be shown, wherever in here it was put by mistake.
  if (path[0] === "acl") return "is not right";
  return `is ${shortened(JSON.stringify(found) ?? String(found))}`;
}

function unknownKey(key: string, path: Path, known: readonly string[]): string {
  const where = path.length === 0 ? "" : ` in \`${pathText(path)}\``;
  const near = nearest(key, known);
  return near === undefined
    ? `\`${shortened(key)}\` is not known${where}; known are ${known.map((each) => `\`${each}\``).join(", ")}.`
    : `\`${shortened(key)}\` is not known${where}; did you mean \`${near}\`?`;
}

/** The known word that a person most likely meant, if one is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const scored = known.map((each) => ({
    each,
    steps: distance(word.toLowerCase().replaceAll("-", "_"), each.replaceAll("-", "_")),
  }));
  const [best] = scored.toSorted((a, b) => a.steps - b.steps);
  return best && best.steps <= Math.max(1, Math.floor(word.length / 2)) ? best.each : undefined;
}

/** `datacenters[1].servers`, `kv["app/greeting"]`. */
export function pathText(path: Path): string {
  return path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      return /^\w{1,80}$/.test(String(step))
        ? `.${String(step)}`
        : `[${JSON.stringify(shortened(String(step)))}]`;
    })
    .join("")
    .replace(/^\./, "");
}

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = new Map(Object.entries(found)).get(String(step));
  }
  return found;
}

function sameNames({ datacenters = [] }: Content, placeOf: PlaceOf): Problem[] {
  return datacenters.flatMap(({ name }, index) => {
    const first = datacenters.findIndex((each) => each.name === name);
    if (first === index) return [];
    const message = `\`datacenters[${index}].name\` is "${name}", as \`datacenters[${first}].name\` is: each datacenter needs a name of its own.`;
    return [problemAt(placeOf("datacenters", index, "name"), message)];
  });
}

function readKeys(kv: Readonly<Record<string, string>>, { readFile }: Source, placeOf: PlaceOf) {
  const keys: DeclaredKey[] = [];
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(kv)) {
    const named = { key, name: pathText(["kv", key]), place: placeOf("kv", key) };
    try {
      keys.push({ ...named, value: bytesOf(value, readFile) });
    } catch (error) {
      const message = `\`${named.name}\` names a file that can't be read: ${shortened(messageOf(error))}.`;
      problems.push(problemAt(named.place, message));
    }
  }
  return { keys, problems };
}

function bytesOf(value: string, readFile: Source["readFile"]): Buffer {
  if (value.startsWith("@@")) return Buffer.from(value.slice(1));
  return value.startsWith("@") ? readFile(value.slice(1)) : Buffer.from(value);
}

function fileOf(content: Content, kv: readonly DeclaredKey[], placeOf: PlaceOf): ClusterFile {
  const objects = typeof content.acl === "object" ? content.acl : {};
  const declared = (list: readonly Definition[] = [], ...path: Path) =>
    list.map((value, index) => declaredAt(value, [...path, index], placeOf));
  return {
    version: content.version,
    image: content.image,
    datacenters: (content.datacenters ?? []).map(({ name, servers, clients, config }) => ({
      name,
      servers,
      clients,
      config: fragmentOf(config),
    })),
    config: fragmentOf(content.config),
    serverConfig: fragmentOf(content.server_config),
    clientConfig: fragmentOf(content.client_config),
    acl: typeof content.acl === "object" ? true : content.acl,
    gossipEncryption: content.gossip_encryption,
    tls: content.tls,
    seeds: {
      policies: declared(objects.policies, "acl", "policies"),
      roles: declared(objects.roles, "acl", "roles"),
      tokens: declared(objects.tokens, "acl", "tokens"),
      configEntries: declared(content.config_entries, "config_entries"),
      services: (content.services ?? []).map(({ node, ...value }, index) => ({
        ...declaredAt(value, ["services", index], placeOf),
        node,
      })),
      kv,
    },
    placeOf,
  };
}

const fragmentOf = (config: Definition | undefined) => (config ? JSON.stringify(config) : "");

function declaredAt(value: Definition, path: Path, placeOf: PlaceOf): Declared {
  const words = [field(value, "kind"), field(value, "name") ?? field(value, "description")];
  const label = words.filter((word) => typeof word === "string").join(" ");
  const name = pathText(path) + (label === "" ? "" : ` (${label})`);
  return { name, place: placeOf(...path), value };
}

/** `AccessorID`, `accessor_id` and `accessorid` are one key to Consul. */
export const sameKey = (key: string) => key.toLowerCase().replaceAll("_", "");

/** The value that Consul would read under this key, however the key is spelt. */
export function field(definition: Definition, key: string): unknown {
  return Object.entries(definition).find(([each]) => sameKey(each) === sameKey(key))?.[1];
}
