/** Links and leftovers in the Markdown files. */
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import GithubSlugger from "github-slugger";
import { root } from "../runner.ts";

/** Files by their paths from the root. */
type Pages = ReadonlyMap<string, string>;

/** Every Markdown file of the repository. */
function readPages(): Pages {
  const files = globSync("{*.md,{docs,examples,.github}/**/*.md}", { cwd: root }).sort();
  return new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
}

/** @returns what is wrong with the pages, one line each */
export function checkDocuments(): string[] {
  const pages = readPages();
  const isThere = (path: string) => existsSync(join(root, path));
  return [...deadLinks(pages, isThere), ...conflictMarkers(pages), ...emptyPages(pages)];
}

/**
 * Relative links to files that are not there, and to headings that no page has.
 *
 * @param isThere - whether a path from the root exists
 */
export function deadLinks(pages: Pages, isThere: (path: string) => boolean): string[] {
  const anchors = new Map([...pages].map(([file, text]) => [file, anchorsOf(text)]));
  const isDead = (file: string, link: string) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? file : posix.join(posix.dirname(file), path);
    if (!isThere(target)) return true;
    return anchor !== undefined && anchors.get(target)?.has(anchor) === false;
  };
  return [...pages].flatMap(([file, text]) =>
    linksOf(text)
      .filter((link) => !/^\w+:/.test(link) && isDead(file, link))
      .map((link) => `${file}: dead link ${link}`),
  );
}

/** Links of a page, as written: in Markdown, as references, and in HTML. */
function linksOf(text: string): string[] {
  const prose = withoutCode(text).replaceAll(/`[^`\n]*`/g, "");
  const patterns = [
    /\]\(\s*<?([^)\s>]+)/g,
    /^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm,
    /<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"\s]+)/g,
  ];
  return patterns.flatMap((pattern) => [...prose.matchAll(pattern)].map(([, link = ""]) => link));
}

/** What a link may have after `#` to get to a place of this page, as GitHub makes it of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const prose = withoutCode(text);
  const slugger = new GithubSlugger();
  const headings = [...prose.matchAll(/^#{1,6} +(.*?)(?: +#+)? *$/gm)].map(([, heading = ""]) =>
    slugger.slug(heading.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")),
  );
  const named = [...prose.matchAll(/<a\b[^>]*?\b(?:id|name)="([^"]+)"/g)];
  return new Set([...headings, ...named.map(([, name = ""]) => name)]);
}

/** A page without its code blocks, in which `#` starts a comment. */
const withoutCode = (text: string) =>
  text.replaceAll(/^( *)(`{3,}|~{3,}).*\n[\s\S]*?^ *\2.*$/gm, "");

/** Compilers find these in code, and nothing else does in documents. */
const conflictMarkers = (pages: Pages): string[] =>
  [...pages]
    .filter(([, text]) => /^(<{7}|>{7}) /m.test(text))
    .map(([file]) => `${file}: a conflict marker of git was left in it`);

const emptyPages = (pages: Pages): string[] =>
  [...pages.keys()]
    .filter((file) => statSync(join(root, file)).size === 0)
    .map((file) => `${file} is empty`);
