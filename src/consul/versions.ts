import coerce from "semver/functions/coerce.js";
import gte from "semver/functions/gte.js";

/**
 * Whether a Consul version has a change. Prereleases and builds (`1.22.0-rc1`, `1.18.3+ent`) count
 * as their release: they already have its configuration.
 *
 * @param version - as Consul or its image reports it: `1.8.7`
 * @param change - the first version with the change: `1.12.0`
 * @throws Error if `version` is not a version
 */
export function isAtLeast(version: string, change: string): boolean {
  const release = coerce(version);
  if (release === null) throw new Error(`not a Consul version: ${version}`);
  return gte(release, change);
}
