/** Where `up` and `down` are called from: a clone of this repository, or the package from npm. */
export interface Home {
  /** What a person types to get to `up` or `down`: `npm run up`. */
  readonly command: (name: "up" | "down") => string;
  /** The same with flags after it. */
  readonly withFlags: (name: "up" | "down", flags: string) => string;
  /** Folder with a file for each cluster that is up. */
  readonly records: string;
  /** The person's folder: paths in inputs are relative to it. */
  readonly workspace: string;
  /** Installs what a cluster needs. */
  readonly prepare: () => void;
  /** The image, unless the flags set one; undefined for the action's own default. */
  readonly image: () => string | undefined;
}
