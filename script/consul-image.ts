import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** The image that `script/consul-image` chooses; it is then on the engine. */
export function consulImage(): string {
  const chooser = join(import.meta.dirname, "consul-image");
  return execFileSync(chooser, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

/** Whether it is the stand-in that is built on this machine if no registry can be reached. */
export function isStandIn(image: string): boolean {
  return image.startsWith("consul-cluster-action/stand-in:");
}
