import type { Member } from "../consul/answers.ts";
import { codeSpan, firstOfMany, table } from "./markdown.ts";

/** What was last seen of one node: by the engine, and in what its agent answered. */
export interface LastSeen {
  readonly node: string;
  readonly datacenter: string;
  /** A few words: `running`, `exited with code 1`. */
  readonly state: string;
  /** Undefined if nobody could ask, as the container does not run; a text if there was no answer. */
  readonly members: readonly Member[] | string | undefined;
  /** Address of the leader that it reports; empty if it reports none. */
  readonly leader: string;
}

/** Names that a cell of the table has. */
const maxNames = 8;

/** A table of nodes and what was last seen of each: who runs, and who sees whom. */
export function lastSeenTable(nodes: readonly LastSeen[]): string[] {
  const isSeveral = new Set(nodes.map(({ datacenter }) => datacenter)).size > 1;
  const names = namesByIp(nodes);
  const rows = nodes.map((each) => [
    each.node,
    ...(isSeveral ? [each.datacenter] : []),
    each.state,
    ...viewCells(each, nodes),
    leaderCell(each, names),
  ]);
  const columns = [
    "node",
    ...(isSeveral ? ["datacenter"] : []),
    ...["container", "sees alive", "does not see", "leader it reports"],
  ];
  return table(
    columns.map((name) => [name, "left"] as const),
    rows,
  );
}

function viewCells(
  { members, node, datacenter }: LastSeen,
  nodes: readonly LastSeen[],
): [sees: string, misses: string] {
  if (members === undefined) return ["", ""];
  if (typeof members === "string") return [`no answer: ${codeSpan(members)}`, ""];
  const expected = nodes.filter((each) => each.datacenter === datacenter).map((each) => each.node);
  const alive = members.filter(({ isAlive }) => isAlive).map((member) => member.node);
  const missing = expected.filter((name) => !alive.includes(name));
  const seen = expected.length - missing.length;
  const isAlone = seen === 1 && missing.length > 0 && alive.includes(node);
  return [
    `${seen} of ${expected.length}${isAlone ? " (itself)" : ""}`,
    firstOfMany(missing, maxNames),
  ];
}

function leaderCell({ members, leader }: LastSeen, names: ReadonlyMap<string, string>): string {
  if (!Array.isArray(members)) return "";
  const host = leader.replace(/:\d+$/, "").replaceAll(/[[\]]/g, "");
  return host === "" ? "none" : (names.get(host) ?? codeSpan(leader));
}

/** Node names by address, as any agent knows them. */
const namesByIp = (nodes: readonly LastSeen[]): ReadonlyMap<string, string> =>
  new Map(
    nodes.flatMap(({ members }) =>
      typeof members === "object" ? members.map(({ ip, node }) => [ip, node] as const) : [],
    ),
  );
