import { distance } from "fastest-levenshtein";
import type { Place } from "../errors.ts";

export type Path = readonly PropertyKey[];

/** A place as a message shows it: `file:line:column`. */
export const placeText = ({ file, line, column }: Place) => `${file}:${line}:${column}`;

const maxShown = 80;

/** A text, cut to what fits in a message. */
export const shortened = (text: string) =>
  text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;

/** The known word that the user most likely meant, if any is similar enough. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > maxShown) return undefined;
  const scored = known.map((each) => ({
    each,
    steps: distance(word.toLowerCase().replaceAll("-", "_"), each.replaceAll("-", "_")),
  }));
  const [best] = scored.toSorted((a, b) => a.steps - b.steps);
  return best && best.steps <= Math.max(1, Math.floor(word.length / 2)) ? best.each : undefined;
}

/** `datacenters[1].servers`, `kv["app/greeting"]`. */
export function pathText(path: Path): string {
  return path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      return /^\w{1,80}$/.test(String(step))
        ? `.${String(step)}`
        : `[${JSON.stringify(shortened(String(step)))}]`;
    })
    .join("")
    .replace(/^\./, "");
}

/** A value as a message shows it: in quotes, on one line, and cut to fit. */
export function shown(text = ""): string {
  return JSON.stringify(shortened(text));
}
