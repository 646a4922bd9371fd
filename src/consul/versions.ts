import coerce from "semver/functions/coerce.js";
import gte from "semver/functions/gte.js";

/**
 * Whether a version of Consul is that of a change, or later. Prereleases and builds (`1.22.0-rc1`,
 * `1.18.3+ent`) count as the release they lead to: they have its configuration already.
 *
 * @param version - as Consul or its image says it: `1.8.7`
 * @param change - the first version that has the change: `1.12.0`
 */
export function isAtLeast(version: string, change: string): boolean {
  const release = coerce(version);
  if (release === null) throw new Error(`not a version of Consul: ${version}`);
  return gte(release, change);
}
