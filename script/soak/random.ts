/** Random numbers from 0 to 1. */
export type Random = () => number;

/**
 * The random numbers of one round (mulberry32). Each round has its own, so that any round can be
 * repeated without the rounds before it.
 */
export function randomOf(seed: number, round: number): Random {
  let a = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(round, 0xc2b2ae35);
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function oneOf<T>(random: Random, choices: readonly T[]): T {
  const choice = choices[Math.floor(random() * choices.length)];
  if (choice === undefined) throw new Error("nothing to choose from");
  return choice;
}

/** Draws in proportion to the weights. */
export const weighted = <T>(random: Random, choices: readonly (readonly [number, T])[]): T =>
  oneOf(
    random,
    choices.flatMap(([weight, choice]) => Array<T>(weight).fill(choice)),
  );
