import parse from "semver/functions/parse.js";
import valid from "semver/functions/valid.js";

const parts =
  /^v?(?<release>\d+\.\d+\.\d+)(?:\.fips\d+)?(?:-(?<marked>[\w.-]+)|(?<glued>(?:alpha|beta|rc|dev)\w*))?(?:\+(?<build>[\w.-]*?)(?<late>(?:alpha|beta|rc|dev)\d*)?)?$/;

/**
 * A version in the form that semver compares: `1.22.0-rc1+ent`. Consul writes it in several:
 * `consul version` prints `v1.22.0-rc1+ent`, and up to 1.7 without the `v` if it was built outside of a
 * tag; the member tag `build` has `1.22.0+entrc1` (agent/agent.go: version, metadata, and prerelease in
 * one), of a community prerelease `1.22.0rc1`, and in 1.13.8 a newline at its end.
 *
 * @returns undefined if the text is not a version
 */
export function versionNumber(text: string): string | undefined {
  const { release, marked, glued, build, late } = parts.exec(text.trim())?.groups ?? {};
  const prerelease = marked ?? glued ?? late;
  const number = `${release}${prerelease ? `-${prerelease}` : ""}`;
  return valid(number) ? `${number}${build ? `+${build}` : ""}` : undefined;
}

/**
 * The version that `consul version` printed.
 *
 * @param output - all of its output
 * @returns undefined if it printed none
 */
export function printedVersion(output: string): string | undefined {
  return versionNumber(/^Consul (\S+)/m.exec(output)?.[1] ?? "");
}

/**
 * The version in an agent's member tag `build`, without build metadata: of `1.22.0+entrc1:0c1ad0a8`,
 * `1.22.0-rc1`. A tag in any other form is returned as it is.
 */
export function taggedVersion(build: string): string {
  const [text = ""] = build.split(":");
  return (versionNumber(text) ?? text).replace(/\+.*/, "");
}

/** Whether a version, as `versionNumber` returns it, is one of Consul Enterprise. */
export const isEnterprise = (version: string) => /\+ent\b/.test(version);

/** Whether one version is older than another. Build metadata, such as `+ent`, is ignored. */
export const isOlder = (a: string, b: string) => compare(a, b) < 0;

/** Whether two versions are the same. Build metadata is ignored. */
export const isSameVersion = (a: string, b: string) => compare(a, b) === 0;

/** NaN if one of them is not a version. */
function compare(a: string, b: string): number {
  const [left, right] = [parse(asTagged(a)), parse(asTagged(b))];
  return left && right ? left.compare(right) : Number.NaN;
}

/**
 * Up to 1.7, a Consul that was built outside of a tag prints `1.6.10-dev`, but its member tag has the
 * 1.6.10 of its sources (`GetHumanVersion` in version/version.go): it is the same version.
 */
const asTagged = (version: string) =>
  /^1\.[0-7]\./.test(version) ? version.replace(/-dev\b/, "") : version;
