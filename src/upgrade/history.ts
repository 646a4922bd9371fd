import { counted } from "../errors.ts";
import type { Seen } from "../report/evidence.ts";
import { failureLines, failureTitle } from "../report/failure.ts";
import { type Bar, ganttOf, type Section } from "../report/gantt.ts";
import { table } from "../report/markdown.ts";

/** Something that an upgrade did, or was doing when it failed. Times are milliseconds since the first. */
interface Done {
  /** What it belongs to: the preparation, or a stop and its datacenter. */
  readonly section: string;
  readonly label: string;
  /** Version that a node was replaced with; empty for anything else. */
  readonly version: string;
  readonly from: number;
  /** Undefined if it did not end well. */
  readonly to: number | undefined;
}

type Work = Pick<Done, "section" | "label" | "version">;

interface Entry {
  readonly work: Work;
  readonly from: number;
  to: number | undefined;
}

/** What an upgrade did so far. */
interface History {
  /** In the order in which it began. */
  readonly done: readonly Done[];
  /** Milliseconds until now. */
  readonly total: number;
  /** Milliseconds that the slowest write took; undefined if none was tried. */
  readonly slowestWrite: number | undefined;
}

/** Records what an upgrade does, and when. */
export class UpgradeHistory {
  readonly #entries: Entry[] = [];
  #slowestWrite: number | undefined;
  readonly #now: () => number;

  /** @param now - milliseconds since any time; must not go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Records when this begins and, unless it fails, when it ends. */
  async during<T>(work: Work, act: () => Promise<T>): Promise<T> {
    const entry: Entry = { work, from: this.#now(), to: undefined };
    this.#entries.push(entry);
    const result = await act();
    entry.to = this.#now();
    return result;
  }

  /**
   * Records how long the slowest write of a datacenter took, in milliseconds.
   *
   * @returns the longest of all
   */
  recordWrite(milliseconds: number): number {
    this.#slowestWrite = Math.max(this.#slowestWrite ?? 0, milliseconds);
    return this.#slowestWrite;
  }

  all(): History {
    const first = this.#entries[0]?.from ?? 0;
    const done = this.#entries.map(({ work, from, to }) => ({
      ...work,
      from: from - first,
      to: to === undefined ? undefined : to - first,
    }));
    const total = this.#entries.length === 0 ? 0 : this.#now() - first;
    return { done, total, slowestWrite: this.#slowestWrite };
  }
}

/** What an upgrade ended with, and what was last seen of each node, if it failed. */
interface UpgradeFailure {
  readonly error: unknown;
  readonly seen: Seen;
}

/**
 * The job summary of an upgrade in Markdown: what was replaced when, drawn and as a table.
 *
 * @param versions - in the order in which the upgrade goes through them
 */
export function upgradeSummary(
  { done, total, slowestWrite }: History,
  versions: readonly string[],
  failure?: UpgradeFailure,
): string {
  const nodes = done.filter(({ version }) => version !== "");
  const replaced = nodes.filter(({ to }) => to !== undefined).length;
  const [target = "", ...stops] = versions.toReversed();
  const via = stops.length > 0 ? ` via ${stops.toReversed().join(", ")}` : "";
  const slowest = slowestWrite === undefined ? "" : `; the slowest write took ${slowestWrite} ms`;
  const isFailed = failure ? `**The upgrade failed: ${failureTitle(failure.error)}**` : "";
  const rows = nodes.map(({ label, version, from, to }) => [
    label,
    version,
    seconds(from),
    to === undefined ? "not finished" : seconds(to - from),
  ]);
  return [
    `### Consul: upgrade to ${target}${via}`,
    "",
    ...(failure ? [isFailed, "", ...failureLines(failure.error, failure.seen)] : []),
    `${counted(replaced, "agent")} replaced in ${seconds(total)}${slowest}.`,
    "",
    ...(done.length > 0 ? [...ganttOf(sectionsOf(done, total)), ""] : []),
    ...(rows.length > 0 ? [...table(columns, rows), ""] : []),
  ].join("\n");
}

const columns = [
  ["agent", "left"],
  ["version", "left"],
  ["after", "right"],
  ["took", "right"],
] as const;

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;

const sectionsOf = (done: readonly Done[], total: number): Section[] =>
  [...Map.groupBy(done, ({ section }) => section)].map(([name, entries]) => ({
    name,
    bars: entries.map((entry) => barOf(entry, total)),
  }));

function barOf({ label: what, version, from, to }: Done, total: number): Bar {
  // A node's name may begin with a word that means something to Mermaid.
  const label = version === "" ? what : `agent ${what}`;
  if (to === undefined) return { label: `${label} not finished`, from, to: total, isBad: true };
  return { label: `${label}, ${seconds(to - from)}`, from, to, isBad: false };
}
