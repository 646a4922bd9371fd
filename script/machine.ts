import { execFileSync } from "node:child_process";
import { join } from "node:path";

/**
 * Installs what a cluster needs on this machine, with `script/bootstrap`.
 *
 * @param options - `--test` for what the tests need as well
 */
export function prepareMachine(...options: readonly "--test"[]): void {
  execFileSync(join(import.meta.dirname, "bootstrap"), options, { stdio: "inherit" });
}
