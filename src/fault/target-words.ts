/** Words for nodes, resolved when the step runs. */
export const targetWords = [
  "leader",
  "follower",
  "server",
  "client",
  "all-clients",
  "minority",
  "majority",
] as const;
export type TargetWord = (typeof targetWords)[number];

/** Words that stand for other nodes if another server leads. */
const leaderWords: readonly TargetWord[] = ["leader", "follower", "minority", "majority"];
export const isLeaderWord = (word: TargetWord) => leaderWords.includes(word);
