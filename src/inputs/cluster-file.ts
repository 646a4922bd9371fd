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
import type * as z from "zod";
import { messageOf, type Place, type Problem } from "../errors.ts";
import { type Content, knownKeys, schema } from "./cluster-file-schema.ts";
import { type Declared, type DeclaredKey, type Definition, field, type Seeds } from "./seeds.ts";
import { nearest, type Path, pathText, placeText, shortened } from "./wording.ts";

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
