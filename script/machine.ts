import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Installs what a cluster needs on this machine, with `script/bootstrap`. */
export function prepareMachine(): void {
  execFileSync(join(import.meta.dirname, "bootstrap"), { stdio: "inherit" });
}
