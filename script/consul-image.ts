import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** The image that `script/consul-image` chooses, which tells how; the engine holds it then. */
export function consulImage(): string {
  const chooser = join(import.meta.dirname, "consul-image");
  return execFileSync(chooser, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

/** True for the image that is made on this machine where no registry answers. */
export function isStandIn(image: string): boolean {
  return image.startsWith("consul-cluster-action/stand-in:");
}
