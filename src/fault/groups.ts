import * as z from "zod";
import { hints } from "../inputs/input-schema.ts";
import { type TargetWord, targetWords } from "./target-words.ts";

/** One group of a partition as the user wrote it. */
export interface Group {
  /** Node names. */
  readonly names: readonly string[];
  /** Resolved when the step runs, in this order. */
  readonly words: readonly TargetWord[];
  /** Whether it takes the nodes that no group names. */
  readonly takesOthers: boolean;
}

/** The nodes that no group names. */
export const othersWord = "others";

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

const isWord = (text: string): text is TargetWord => targetWords.some((word) => word === text);

function groupOf(text: string): Group {
  const members = text.split(/[\s,]+/).filter((member) => member !== "");
  return {
    names: members.filter((member) => !isWord(member) && member !== othersWord),
    words: members.filter(isWord),
    takesOthers: members.includes(othersWord),
  };
}

/** What is wrong with the groups, for the message. */
function problemsOf(groups: readonly Group[]): string[] {
  const isEmpty = ({ names, words, takesOthers }: Group) =>
    names.length === 0 && words.length === 0 && !takesOthers;
  const problems = groups.length < 2 ? ["only one group"] : [];
  if (groups.some(isEmpty)) problems.push("a group is empty");
  const invalid = groups.flatMap(({ names }) => names).filter((name) => !namePattern.test(name));
  problems.push(...invalid.map((name) => `${JSON.stringify(name)} is not a node's name`));
  const each = groups.flatMap(({ names, words, takesOthers }) => [
    ...new Set([...names, ...words]),
    ...(takesOthers ? [othersWord] : []),
  ]);
  const repeated = new Set(each.filter((member, index) => each.indexOf(member) < index));
  return [...problems, ...[...repeated].map((member) => `${member} is in two groups`)];
}

/** The input `groups`; no groups if it is empty. */
export const groupsInput = z
  .string()
  .transform((text, context): readonly Group[] => {
    if (text.trim() === "") return [];
    const groups = text.split("|").map(groupOf);
    const problems = problemsOf(groups);
    for (const problem of problems) context.addIssue(problem);
    return problems.length > 0 ? z.NEVER : groups;
  })
  .register(hints, {
    default: "",
    allowed: `two or more groups of nodes, separated by |, each a list of node names and of ${targetWords.join(", ")}, or ${othersWord}`,
    example: "leader | others",
  });
