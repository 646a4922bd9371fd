import type * as z from "zod";
import { inOrderOfLines, type Place, type Problem } from "../errors.ts";
import { type Content, knownKeys, schema } from "./cluster-file-schema.ts";
import { type FileNode, fileNodes, nodeEnvProblems } from "./file-nodes.ts";
import { type PlaceOf, problemAt } from "./file-problem.ts";
import { readKeys } from "./kv.ts";
import { declaredPeerings, peeringProblems } from "./peerings.ts";
import { secretsInFile, secretsInText } from "./secret-settings.ts";
import {
  type Declared,
  type DeclaredKey,
  type DeclaredSnapshot,
  type Definition,
  field,
  fragmentOf,
  type Seeds,
} from "./seeds.ts";
import { readSnapshotFile } from "./snapshot.ts";
import { nearest, type Path, pathText, shortened } from "./wording.ts";
import { readYaml } from "./yaml-text.ts";

export interface FileDatacenter {
  readonly name: string;
  readonly servers: number | undefined;
  readonly clients: number | undefined;
  /** Agent configuration as JSON, or empty. */
  readonly config: string;
}

/** A valid cluster file. What it does not mention is undefined or empty. */
export interface ClusterFile {
  readonly version: string | undefined;
  readonly image: string | undefined;
  readonly datacenters: readonly FileDatacenter[];
  /** Agent configuration as JSON, or empty. */
  readonly config: string;
  readonly serverConfig: string;
  readonly clientConfig: string;
  /** By node name. */
  readonly nodes: ReadonlyMap<string, FileNode>;
  readonly acl: boolean | undefined;
  readonly gossipEncryption: boolean | undefined;
  readonly tls: boolean | "mutual" | undefined;
  /** What the servers start from. */
  readonly snapshot: DeclaredSnapshot | undefined;
  readonly seeds: Seeds;
  /** The place of a key or an item: `placeOf("datacenters", 0, "servers")`. */
  placeOf(...path: Path): Place;
}

export interface Source {
  readonly text: string;
  /** The name that messages use: a path, or the input if the text is in the workflow itself. */
  readonly name: string;
  /** The file's path in the workspace. Undefined if the text is in the workflow itself. */
  readonly path?: string;
  /** Reads the file of a value `@path`. Throws if it can't; its message must not quote the path. */
  readonly readFile: (path: string) => Buffer;
}

export interface ParsedFile {
  readonly file: ClusterFile | undefined;
  readonly problems: readonly Problem[];
  /** What no log may show. */
  readonly secrets: readonly string[];
}

/**
 * Reads a cluster file. All problems are reported at once, except that a file that is not valid
 * YAML is not checked further. Problems quote nothing of a file that is not a mapping. Of one that
 * is, they quote only keys, and values that can't be secret.
 *
 * @returns the file, or undefined with all of its problems, in the order of lines; and in either
 *   case the secrets in it
 */
export function parseClusterFile(source: Source): ParsedFile {
  const { value, flaws, offsetOf, positionOf } = readYaml(source.text);
  const { name, path } = source;
  const placeAt = (offset: number): Place => {
    return { file: name, ...(path && { path }), ...positionOf(offset) };
  };
  const placeOf = (...path: Path) => placeAt(offsetOf(path));
  const problems = flaws.map(({ offset, message }) => problemAt(placeAt(offset), message));
  const secrets = value === undefined ? secretsInText(source.text) : secretsInFile(value);
  const refused = (all: readonly Problem[]) => {
    return { file: undefined, problems: inOrderOfLines(all), secrets };
  };
  // What a file with these flaws was meant to say can only be guessed.
  if (value === undefined) return refused(problems);

  const { data, error } = schema.safeParse(value);
  const issues = (error?.issues ?? []).flatMap((issue) => explain(issue, value, placeOf));
  if (!data) return refused([...problems, ...issues]);
  const found = [
    ...sameNames(data, placeOf),
    ...peeringProblems(data, placeOf),
    ...nodeEnvProblems(data, placeOf),
  ];
  const kv = readKeys(data, source.readFile, placeOf);
  const { snapshot, ...restored } = readSnapshotFile(data, source.readFile, placeOf);
  secrets.push(...(snapshot?.facts.secrets ?? []));
  const all = [...problems, ...found, ...kv.problems, ...restored.problems];
  if (all.length > 0) return refused(all);
  return { file: fileOf(data, { kv: kv.keys, snapshot }, placeOf), problems: [], secrets };
}

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, value: unknown, placeOf: PlaceOf): Problem[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) =>
      problemAt(placeOf(...path, key), unknownKey(key, path, knownKeys.get(path[0]) ?? [])),
    );
  // The branch of a union that got past its first step is the one that was meant.
  const inner = issue.code === "invalid_union" ? issue.errors.find(isInside) : undefined;
  if (inner)
    return inner.flatMap((each) =>
      explain({ ...each, path: [...path, ...each.path] }, value, placeOf),
    );
  const subject = path.length === 0 ? "The file" : `\`${pathText(path)}\``;
  const seen = described(valueAt(value, path), issue);
  return [problemAt(placeOf(...path), `${subject} ${seen}: ${issue.message}.`)];
}

const isInside = (issues: readonly Issue[]) => issues.some(({ path }) => path.length > 0);

/** Keys whose values can't be secret. A `datacenters` or `nodes` in front and its item are left out. */
const harmlessKeys = ["version", "image", "gossip_encryption", "tls", "name", "servers", "clients"];

function described(found: unknown, { path, code }: Issue): string {
  if (found === undefined) return "is missing";
  if (found === null) return "is empty";
  if (path.length === 0) return "is not a mapping";
  const key = ["datacenters", "nodes"].includes(String(path[0])) ? path.slice(2) : path;
  const isHarmless = key.length === 1 && harmlessKeys.includes(String(key[0]));
  if (isHarmless && typeof found !== "object") return `is ${shortened(JSON.stringify(found))}`;
  return code === "custom" ? "is too long" : `is ${valueType(found)}`;
}

function valueType(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return typeof value === "object" ? "a mapping" : `a ${typeof value}`;
}

function unknownKey(key: string, path: Path, known: readonly string[]): string {
  const where = path.length === 0 ? "" : ` in \`${pathText(path)}\``;
  // A line of another kind of file, such as `PASSWORD=a: b`, may pass for a key.
  const subject = /^[\w .-]{1,80}$/.test(key) ? `\`${key}\` is not known` : "This key is not known";
  const near = nearest(key, known);
  return near === undefined
    ? `${subject}${where}; known are ${known.map((each) => `\`${each}\``).join(", ")}.`
    : `${subject}${where}; did you mean \`${near}\`?`;
}

function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step))
      return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}

function sameNames({ datacenters = [] }: Content, placeOf: PlaceOf): Problem[] {
  const firsts = new Map<string, number>();
  return datacenters.flatMap(({ name }, index) => {
    const first = firsts.get(name);
    if (first === undefined) {
      firsts.set(name, index);
      return [];
    }
    const message = `\`datacenters[${index}].name\` is "${name}", the same as \`datacenters[${first}].name\`: each datacenter needs a different name.`;
    return [problemAt(placeOf("datacenters", index, "name"), message)];
  });
}

/** What is read from files that the file names. */
interface FilesRead {
  readonly kv: readonly DeclaredKey[];
  readonly snapshot: DeclaredSnapshot | undefined;
}

function fileOf(content: Content, { kv, snapshot }: FilesRead, placeOf: PlaceOf): ClusterFile {
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
    nodes: fileNodes(content, placeOf),
    acl: typeof content.acl === "object" ? true : content.acl,
    gossipEncryption: content.gossip_encryption,
    tls: content.tls,
    snapshot,
    seeds: {
      featureGates: Object.entries(content.feature_gates ?? {}).map(([gate, isEnabled]) => {
        const path = ["feature_gates", gate];
        return { name: pathText(path), place: placeOf(...path), gate, isEnabled };
      }),
      policies: declared(objects.policies, "acl", "policies"),
      roles: declared(objects.roles, "acl", "roles"),
      authMethods: declared(objects.auth_methods, "acl", "auth_methods"),
      bindingRules: declared(objects.binding_rules, "acl", "binding_rules"),
      tokens: declared(objects.tokens, "acl", "tokens"),
      configEntries: (content.config_entries ?? []).map(({ datacenter, ...value }, index) => ({
        ...declaredAt(value, ["config_entries", index], placeOf),
        datacenter,
      })),
      services: (content.services ?? []).map(({ node, ...value }, index) => ({
        ...declaredAt(value, ["services", index], placeOf),
        node,
      })),
      catalog: declared(content.catalog, "catalog"),
      preparedQueries: declared(content.prepared_queries, "prepared_queries"),
      kv,
      peerings: declaredPeerings(content, placeOf),
    },
    placeOf,
  };
}

function declaredAt(value: Definition, path: Path, placeOf: PlaceOf): Declared {
  const names = ["name", "description", "node", "authmethod"].map((key) => field(value, key));
  const words = [field(value, "kind"), names.find((each) => each !== undefined)];
  const label = words.filter((word) => typeof word === "string").join(" ");
  const name = pathText(path) + (label === "" ? "" : ` (${label})`);
  return { name, place: placeOf(...path), value };
}
