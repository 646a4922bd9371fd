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
