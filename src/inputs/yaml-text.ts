import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import type { Path } from "./wording.ts";

/** Something wrong with a text as YAML. Never quotes the text, which may be anybody's secret. */
interface Flaw {
  /** Characters from the text's start. */
  readonly offset: number;
  readonly message: string;
}

/** A text read as YAML, with the place of everything in it. */
export interface YamlText {
  readonly flaws: readonly Flaw[];
  /** Undefined if the flaws leave open what the text means. */
  readonly value: unknown;
  readonly isMapping: boolean;
  /** Where a key or an item starts, as an offset; for a missing one, where its parent starts. */
  offsetOf(path: Path): number;
  /** Line and column of an offset, both from 1. */
  positionOf(offset: number): { readonly line: number; readonly column: number };
}

/** More than any honest file has; a text that grows without bound by its aliases has more. */
const maxAliases = 1000;

/** Collections and pairs inside each other. Consul's configuration needs far fewer. */
const maxDepth = 100;

/** Reads a text as YAML 1.2 with merge keys, in time linear in the text. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    // The parser's own check takes quadratic time; `examine` has one.
    uniqueKeys: false,
    // It would print a key.
    logLevel: "error",
  });
  const syntax = [...document.errors, ...document.warnings].map(
    ({ code, message, pos }): Flaw => ({ offset: pos[0], message: syntaxMessage(code, message) }),
  );
  const { targets, structure, repeated } = examine(document);
  const serious = [...syntax, ...structure];
  const { value, flaws } = serious.length > 0 ? { flaws: serious } : toValue(document);
  return {
    flaws: [...flaws, ...repeated],
    value,
    isMapping: isMap(document.contents),
    offsetOf: placesIn(document, targets),
    positionOf: (offset) => {
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    },
  };
}

const tooDeep = "Nested too deeply.";

/** The parser's messages for these codes quote the text. */
const ownMessages = new Map<string, string>([
  ["BAD_DIRECTIVE", "Unknown YAML directive: quote a value that starts with `%`."],
  ["BAD_DQ_ESCAPE", "Invalid escape sequence in a double-quoted string."],
  ["RESOURCE_EXHAUSTION", tooDeep],
  ["TAG_RESOLVE_FAILED", "Unresolved tag: quote a value that starts with `!`."],
]);

const syntaxMessage = (code: string, message: string) =>
  // What follows a colon is quoted from the text.
  ownMessages.get(code) ?? `${message.replace(/: .*$/s, "").replace(/\.$/, "")}.`;

function toValue(document: Document): { value?: unknown; flaws: Flaw[] } {
  try {
    return { value: document.toJS({ maxAliasCount: maxAliases }), flaws: [] };
  } catch (error) {
    const isAboutAliases = error instanceof ReferenceError;
    const message = isAboutAliases
      ? "Excessive alias count: the file would grow too large."
      : "Merge sources must be maps or map aliases.";
    return { flaws: [{ offset: startOf(document.contents) ?? 0, message }] };
  }
}

const startOf = (node: unknown) => (isNode(node) ? node.range?.[0] : undefined);

/** The property name that a key becomes; undefined for a merge key, an alias or a collection. */
function keyName(key: unknown): string | undefined {
  if (!isScalar(key) || typeof key.value === "symbol") return undefined;
  return key.value === null ? "" : String(key.value);
}

interface Examined {
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
  /** Flaws that leave open what the text means. */
  readonly structure: readonly Flaw[];
  readonly repeated: readonly Flaw[];
}

/** Resolves the aliases, and finds what the parser does not check. */
function examine(document: Document): Examined {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const structure: Flaw[] = [];
  const repeated: Flaw[] = [];
  const flawAt = (node: unknown, message: string): Flaw => ({
    offset: startOf(node) ?? 0,
    message,
  });
  visit(document, {
    Alias: (_, alias, path) => {
      const target = anchors.get(alias.source);
      if (!target) structure.push(flawAt(alias, unresolved));
      else if (path.includes(target)) structure.push(flawAt(alias, recursive));
      else targets.set(alias, target);
      if (targets.size <= maxAliases) return undefined;
      structure.push(flawAt(alias, `More than ${maxAliases} aliases.`));
      return visit.BREAK;
    },
    Value: (_, node, path) => {
      if (node.anchor) anchors.set(node.anchor, node);
      if (isMap(node)) repeated.push(...repeatedKeys(node).map((key) => flawAt(key, notUnique)));
      if (path.length <= maxDepth) return undefined;
      structure.push(flawAt(node, tooDeep));
      return visit.BREAK;
    },
    Pair: (_, { key }) => {
      // JavaScript's objects can't hold this key the way they hold others: it would be lost.
      if (keyName(key) === "__proto__")
        repeated.push(flawAt(key, "`__proto__` can't be a key here."));
    },
  });
  return { targets, structure, repeated };
}

const unresolved =
  "Unresolved alias: no anchor of this name comes before it. Quote a value that starts with `*`.";
const recursive = "Recursive alias: it stands for something that contains it.";
const notUnique = "Map keys must be unique.";

function repeatedKeys({ items }: YAMLMap): unknown[] {
  const seen = new Set<string>();
  return items.flatMap(({ key }) => {
    const name = keyName(key);
    const isRepeated = name !== undefined && seen.has(name);
    if (name !== undefined) seen.add(name);
    return isRepeated ? [key] : [];
  });
}

function pairsByName({ items }: YAMLMap): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const pair of items) {
    const name = keyName(pair.key);
    if (name !== undefined && !pairs.has(name)) pairs.set(name, pair);
  }
  return pairs;
}

/** Finds places by path. Each mapping is read once, however many of its keys are looked up. */
function placesIn(document: Document, targets: ReadonlyMap<Alias, Node>): YamlText["offsetOf"] {
  const known = new WeakMap<YAMLMap, Map<string, Pair>>();
  const pairsOf = (map: YAMLMap) => {
    const pairs = known.get(map) ?? pairsByName(map);
    known.set(map, pairs);
    return pairs;
  };
  return (path) => {
    let node: unknown = document.contents;
    let offset = startOf(node) ?? 0;
    for (const step of path) {
      if (isAlias(node)) node = targets.get(node);
      let key: unknown;
      if (isMap(node)) {
        const pair = pairsOf(node).get(String(step));
        [key, node] = [pair?.key, pair?.value];
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        key = node;
      } else break;
      offset = startOf(key) ?? offset;
    }
    return offset;
  };
}
