import type { Place, Problem } from "../errors.ts";
import { type Path, placeText } from "./wording.ts";

/** Gives the place of a key or an item of a cluster file. */
export type PlaceOf = (...path: Path) => Place;

/** A problem at a place of a cluster file. @param message - a sentence */
export function problemAt(place: Place, message: string): Problem {
  return { input: "cluster", place, message: `${placeText(place)}: ${message}` };
}
