import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Brings this machine to where a cluster can be started, by `script/bootstrap`. */
export function prepareMachine(): void {
  execFileSync(join(import.meta.dirname, "bootstrap"), { stdio: "inherit" });
}
