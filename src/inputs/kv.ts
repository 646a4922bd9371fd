/** The keys and values that a cluster file declares. */
import * as z from "zod";
import { flagsAnswer } from "../consul/answers.ts";
import { parseExactly } from "../consul/exact-json.ts";
import { type Scope, scopeId } from "../consul/scope.ts";
import { messageOf, type Problem } from "../errors.ts";
import type { Content } from "./cluster-file-schema.ts";
import { type PlaceOf, problemAt } from "./file-problem.ts";
import { keyProblem } from "./kv-key.ts";
import { type DeclaredKey, scopeOf } from "./seeds.ts";
import { pathText, shortened } from "./wording.ts";

/** Reads a file that a cluster file names. Throws if it can't; its message must not quote the path. */
type ReadFile = (path: string) => Buffer;

interface Keys {
  readonly keys: readonly DeclaredKey[];
  readonly problems: readonly Problem[];
}

/** The keys of `kv_file`, then those of `kv`. A key that both have is that of `kv`. */
export function readKeys(
  { kv = {}, kv_file }: Content,
  readFile: ReadFile,
  placeOf: PlaceOf,
): Keys {
  const own = mappedKeys(kv, readFile, placeOf);
  const exported = kv_file === undefined ? noKeys : exportedKeys(kv_file, readFile, placeOf);
  const others = exported.keys.filter(
    (each) => scopeId(each) !== scopeId({}) || !Object.hasOwn(kv, each.key),
  );
  return { keys: [...others, ...own.keys], problems: [...exported.problems, ...own.problems] };
}

const noKeys: Keys = { keys: [], problems: [] };

function mappedKeys(
  kv: Readonly<Record<string, string>>,
  readFile: ReadFile,
  placeOf: PlaceOf,
): Keys {
  const keys: DeclaredKey[] = [];
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(kv)) {
    const named = { key, name: pathText(["kv", key]), place: placeOf("kv", key) };
    const problem = keyProblem(key);
    if (problem !== undefined) {
      problems.push(problemAt(named.place, `\`${named.name}\` is not a valid key: ${problem}.`));
      continue;
    }
    try {
      keys.push({ ...named, value: bytesOf(value, readFile) });
    } catch (error) {
      const message = `\`${named.name}\` names a file that can't be read: ${shortened(messageOf(error))}.`;
      problems.push(problemAt(named.place, message));
    }
  }
  return { keys, problems };
}

function bytesOf(value: string, readFile: ReadFile): Buffer {
  if (value.startsWith("@@")) return Buffer.from(value.slice(1));
  return value.startsWith("@") ? readFile(value.slice(1)) : Buffer.from(value);
}

/** The name of a namespace or of a partition. */
const scopeName = (key: string) => z.string({ error: `\`${key}\` must be a string` }).optional();

/** What `consul kv export` writes (command/kv/impexp). */
const exportSchema = z.array(
  z.object(
    {
      key: z.string({ error: "`key` must be a string" }),
      flags: flagsAnswer,
      value: z.base64({ error: "`value` must be base64" }).nullish(),
      namespace: scopeName("namespace"),
      partition: scopeName("partition"),
    },
    { error: "it must be a mapping with `key`, `flags`, and `value`" },
  ),
  { error: "it must be a list" },
);

/** Problems of one file that are reported. */
const maxProblems = 10;

function exportedKeys(path: string, readFile: ReadFile, placeOf: PlaceOf): Keys {
  const place = placeOf("kv_file");
  const refused = (messages: readonly string[]): Keys => {
    const more = messages.length - maxProblems;
    const shown = messages.slice(0, maxProblems);
    const all = more > 0 ? [...shown, `${more} more of its keys can't be used`] : shown;
    return { keys: [], problems: all.map((each) => problemAt(place, `\`kv_file\`: ${each}.`)) };
  };
  let text: string;
  try {
    text = readFile(path).toString("utf8");
  } catch (error) {
    return refused([`the file can't be read: ${shortened(messageOf(error))}`]);
  }
  const content = contentOf(text);
  if (content === undefined) return refused([notJson]);
  const { data, error } = exportSchema.safeParse(content);
  if (!data) return refused((error?.issues ?? []).map(explained));
  const scoped = data.map((item) => ({ ...item, scope: scopeOf(item) }));
  const messages = keyMessages(scoped);
  if (messages.length > 0) return refused(messages);
  const keys = scoped.map(({ key, flags, value, scope }, index): DeclaredKey => {
    const name = `${pathText(["kv_file", index])} (${shortened(key)})`;
    return { key, name, place, flags, value: Buffer.from(value ?? "", "base64"), ...scope };
  });
  return { keys, problems: [] };
}

const notJson = "the file is not JSON. It must be what `consul kv export` writes";

/** Undefined if it is not JSON. The parser's own message would quote the text. */
function contentOf(text: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function explained({ path: [index], message }: z.core.$ZodIssue): string {
  return typeof index === "number"
    ? `item ${index + 1} of the file can't be used: ${message}`
    : `the file can't be used: ${message}`;
}

function keyMessages(items: readonly { readonly key: string; readonly scope: Scope }[]): string[] {
  const seen = new Set<string>();
  return items.flatMap(({ key, scope }, index) => {
    const id = scopeId(scope) + key;
    const isRepeated = seen.has(id);
    seen.add(id);
    const name = `item ${index + 1} of the file, \`${shortened(key)}\`,`;
    if (isRepeated) return [`${name} has the key of an earlier item`];
    const problem = keyProblem(key);
    return problem === undefined ? [] : [`${name} is not a valid key: ${problem}`];
  });
}
