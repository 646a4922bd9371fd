/** Every snippet of README and docs: it is what some test runs, or the list says why nothing runs it. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import GithubSlugger from "github-slugger";
import { parseClusterFile } from "../../src/inputs/cluster-file.ts";
import { examples } from "../examples/list.ts";
import { root } from "../runner.ts";
import { serverOf, snapshotOf } from "../snapshot-file.ts";
import { type SnippetMark, snippetMarks } from "./snippet-marks.ts";
import { stepProblems } from "./steps.ts";

/** A fenced block of a page, in a language that something runs or reads. */
export interface Snippet {
  /** The page and the heading above it: `docs/faults.md#partitions`. */
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

/** Output and pictures, which are no snippets. */
const shown = ["text", "mermaid"];

/** @returns what is wrong with the snippets and their marks, one line each */
export function checkSnippets(): string[] {
  const pages = globSync("{README.md,docs/*.md}", { cwd: root }).sort();
  const found = pages.flatMap((page) => snippetsOf(page, readFileSync(join(root, page), "utf8")));
  return [
    ...unmarkedSnippets(found, snippetMarks),
    ...Object.entries(snippetMarks).flatMap(([place, marks]) =>
      marks.flatMap((mark) => markProblems(mark).map((problem) => `${place}: ${problem}`)),
    ),
    ...found.flatMap((snippet) =>
      problemsIn(snippet).map((problem) => `${snippet.place}: ${problem}`),
    ),
  ];
}

export function snippetsOf(page: string, markdown: string): Snippet[] {
  const slugger = new GithubSlugger();
  const pattern =
    /^#{1,6} +(?<heading>.*)$|^(?<indent> *)```(?<language>\w*)\n(?<text>[\s\S]*?)^\k<indent>```$/gm;
  let anchor = "";
  return [...markdown.matchAll(pattern)].flatMap(({ groups = {} }) => {
    const { heading, indent = "", language = "", text = "" } = groups;
    if (heading !== undefined) {
      anchor = slugger.slug(heading);
      return [];
    }
    if (shown.includes(language)) return [];
    const lines = text.split("\n").map((line) => line.slice(indent.length));
    return [{ place: `${page}#${anchor}`, language, text: lines.join("\n") }];
  });
}

/** Places with another number of snippets than of marks. */
export function unmarkedSnippets(
  snippets: readonly Snippet[],
  marks: Readonly<Record<string, readonly SnippetMark[]>>,
): string[] {
  const counts = Map.groupBy(snippets, ({ place }) => place);
  const places = new Set([...counts.keys(), ...Object.keys(marks)]);
  return [...places].flatMap((place) => {
    const [there, marked] = [counts.get(place)?.length ?? 0, marks[place]?.length ?? 0];
    if (there === marked) return [];
    return [
      `${place} has ${there} snippets, and script/check/snippet-marks.ts says of ${marked} what runs them`,
    ];
  });
}

/** @returns what keeps a mark from being true, as far as files tell */
function markProblems(mark: SnippetMark): string[] {
  if ("why" in mark) return [];
  const { file, says } = mark;
  if (!existsSync(join(root, file))) return [`there is no ${file}`];
  if (says !== undefined && !readFileSync(join(root, file), "utf8").includes(says))
    return [`${file} does not say "${says}"`];
  const example = examples.get(file.replace("examples/", ""));
  return example?.runs === "nowhere" ? [`${file} is not run`] : [];
}

/** On the page of cluster files, what is neither steps nor a comment is one. */
const isClusterFile = ({ place, text }: Snippet) =>
  place.startsWith("docs/cluster-file.md#") && /^[^-#\s]/.test(text);

function problemsIn(snippet: Snippet): string[] {
  const { language, text } = snippet;
  if (language !== "yaml") return [];
  if (!isClusterFile(snippet)) return stepProblems(text);
  const readFile = (path: string) =>
    path.endsWith(".snap")
      ? snapshotOf(serverOf("1.8.7"))
      : Buffer.from('[{"key": "app/a", "flags": 0, "value": ""}]');
  const { problems } = parseClusterFile({ text, name: "snippet", readFile });
  return problems.map(({ message }) => message);
}
