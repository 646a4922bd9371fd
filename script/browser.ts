import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Chrome or Chromium, in the order in which script/bootstrap looks for them. */
export function browserPath(): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = ["google-chrome", "chromium", "chromium-browser"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find(isExecutable);
  if (found === undefined) throw new Error("no Chrome or Chromium: run script/bootstrap --test");
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
