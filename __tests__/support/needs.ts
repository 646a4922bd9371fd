/**
 * What a test needs of the Consul under test. On a Consul without it, the test does not run, and the
 * report says so: `test("…", needs("1.5.0"), …)`.
 */
import { execFileSync } from "node:child_process";
import coerce from "semver/functions/coerce.js";
import gte from "semver/functions/gte.js";
import { testImage } from "./engine.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What the test needs, as the report says it: `1.5`. */
    needs?: string;
  }
}

/** Options of a test or of a group of tests. */
interface Requirement {
  readonly skip: boolean;
  readonly meta: { readonly needs: string };
}

const requirement = (needs: string, isMet: boolean): Requirement => ({
  skip: !isMet,
  meta: { needs },
});

const inImage = (...args: readonly string[]) =>
  execFileSync("docker", ["run", "--rm", "--network=none", ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

let version: string | undefined;

/** The release of the Consul under test: a prerelease has what its release has. */
export function testVersion(): string {
  if (version === undefined) {
    const said = inImage(testImage(), "version");
    const release = coerce(/^Consul v?(\S+)/.exec(said)?.[1]);
    if (release === null) throw new Error(`${testImage()} says: ${said}`);
    version = release.version;
  }
  return version;
}

/** Whether the Consul under test is this version or a later one. */
export const isFrom = (first: string) => gte(testVersion(), first);

/** `1.5` for 1.5.0, as people say it. */
const short = (version: string) => version.replace(/\.0$/, "");

/** For a test of what this version brought. */
export const needs = (first: string) => requirement(short(first), isFrom(first));

/** For a test of what this version removed. */
export const needsBefore = (end: string) => requirement(`before ${short(end)}`, !isFrom(end));

let hasUi: boolean | undefined;

/** For a test of the web UI, which Consul can be built without: asked of an agent of its own. */
export function needsUi(): Requirement {
  const script = `consul agent -dev >/dev/null &
for try in $(seq 100); do
  sleep 0.1
  wget -q -O /dev/null http://127.0.0.1:8500/v1/agent/self && break
done
wget -q -O - http://127.0.0.1:8500/ui/ || true`;
  hasUi ??= inImage("--entrypoint=sh", testImage(), "-c", script).includes("<title>");
  return requirement("a build with the web UI", hasUi);
}
