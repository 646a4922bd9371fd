/**
 * Which upgrades Consul supports, and which versions have known faults. Consul's documentation says
 * it in prose and tables: this is the same as data.
 */
import coerce from "semver/functions/coerce.js";
import gt from "semver/functions/gt.js";
import gte from "semver/functions/gte.js";
import lte from "semver/functions/lte.js";
import parse from "semver/functions/parse.js";
import { has } from "./versions.ts";

/** Where Consul's documentation says how far an upgrade may go. */
export const upgradeInstructions =
  "https://developer.hashicorp.com/consul/docs/upgrade/instructions";

/** An upgrade that has a page of instructions of its own. */
interface DedicatedPath {
  /** The versions that it starts from, both included. */
  readonly from: readonly [first: string, last: string];
  readonly to: string;
}

// Source: the table on the page of upgradeInstructions, as of Consul 2.0. The row that ends at 1.2.4
// is for versions that this action does not support.
export const dedicatedPaths: readonly DedicatedPath[] = [
  { from: ["1.2.4", "1.6.9"], to: "1.6.10" },
  { from: ["1.6.9", "1.8.18"], to: "1.8.19" },
  { from: ["1.8.0", "1.9.17"], to: "1.10.12" },
];

/** How many major versions (1.N) an upgrade may skip ahead. Source: upgradeInstructions. */
const farthest = { standard: 2, betweenLongTerm: 3 };

/**
 * Enterprise releases with long-term support: from each to the next, an upgrade may go farther.
 * Source: https://developer.hashicorp.com/consul/docs/upgrade/lts, as of Consul 2.0.
 */
const longTermReleases = ["1.15", "1.18", "1.21"];

/**
 * Enterprise 2.0 needs a license that only this version and later ones accept. Source:
 * https://developer.hashicorp.com/consul/docs/upgrade/instructions/upgrade-to-2-0-x
 */
const enterpriseEntrance = { into: "2.0.0", from: "1.21.7" };

/** 2.0 followed 1.22. */
const lastOfFirst = 22;

/** From here on, the stops of a path need no dedicated instructions. */
const firstFreeStop = 11;

/** A version that its makers, or many users, advise against. */
export interface KnownFault {
  readonly versions: readonly string[];
  /** What is wrong with it, as a sentence. */
  readonly reason: string;
  /** What to use instead. */
  readonly instead: string;
  readonly source: string;
}

const versionSpecific = "https://developer.hashicorp.com/consul/docs/upgrade/version-specific";
const changelog = "https://github.com/hashicorp/consul/blob/main/CHANGELOG.md";

/** From the oldest to the newest. */
export const knownFaults: readonly KnownFault[] = [
  {
    versions: ["1.7.0", "1.7.1"],
    reason: "Once its servers run it, they refuse to view or renew sessions for 1.6.4 and earlier.",
    instead: "1.7.2",
    source: `${versionSpecific}#session-api`,
  },
  {
    versions: ["1.12.1"],
    reason: "It ignores the options of a query when it reads a key from the KV store.",
    instead: "1.12.2",
    source: "https://github.com/hashicorp/consul/issues/13344",
  },
  {
    versions: ["1.13.0"],
    reason: "Its servers can't restore state from before 1.13 that has service mesh proxies.",
    instead: "1.13.1",
    source: `${versionSpecific}#all-service-mesh-deployments`,
  },
  {
    versions: ["1.16.5"],
    reason: "Its terminating gateways reject valid TLS certificates of upstream services.",
    instead: "1.16.6",
    source: "https://github.com/hashicorp/consul/issues/20360",
  },
  {
    versions: ["1.17.2"],
    reason: "Its terminating gateways reject valid TLS certificates of upstream services.",
    instead: "1.17.3",
    source: "https://github.com/hashicorp/consul/issues/20360",
  },
  {
    versions: ["1.19.0"],
    reason:
      "Its new DNS server ignores tags in names, and answers SRV queries with host names that can't be told apart.",
    instead: "1.19.2, which has the old DNS server again",
    source: "https://developer.hashicorp.com/consul/docs/release-notes/consul/v1_19_x",
  },
  {
    versions: ["1.19.1"],
    reason: "It has a new DNS server with known faults, which was withdrawn.",
    instead: "1.19.2, which has the old DNS server again",
    source: "https://developer.hashicorp.com/consul/docs/release-notes/consul/v1_19_x",
  },
  {
    versions: ["1.21.5"],
    reason:
      "It refuses many names of existing keys in the KV store, such as names with a space, a colon, or a percent sign.",
    instead: "1.22",
    source: "https://github.com/hashicorp/consul/issues/22822",
  },
  {
    versions: ["1.22.4"],
    reason: "HashiCorp withdrew it for critical issues.",
    instead: "1.22.5",
    source: changelog,
  },
];

/** @returns undefined for a version without known faults, and for a prerelease */
export function knownFaultOf(version: string): KnownFault | undefined {
  const parsed = parse(version, { loose: true });
  if (!parsed || parsed.prerelease.length > 0) return undefined;
  return knownFaults.find(({ versions }) => versions.includes(parsed.version));
}

/**
 * Whether Consul supports an upgrade in one go. True for an upgrade to the same or an older version,
 * and to a version after 2: no rule says how far that is.
 *
 * @param from - a version of Consul, as agents report it
 * @param to - a version of Consul, or a tag such as `1.20`. With the build metadata `+ent`, both
 *   are versions of Consul Enterprise
 */
export function isSupported(from: string, to: string): boolean {
  const [left, right] = [release(from), release(to)];
  if (lte(right, left)) return true;
  const { into, from: entrance } = enterpriseEntrance;
  if (isEnterprise(to) && gte(right, into) && !gte(left, entrance)) return false;
  if (dedicatedPaths.some((path) => path.to === right && isOn(path, left))) return true;
  const ends = [left, right].map(seriesOf);
  const isLongTerm = isEnterprise(to) && ends.every((each) => longTermReleases.includes(each));
  const limit = isLongTerm ? farthest.betweenLongTerm : farthest.standard;
  return !(majorsOf(right) - majorsOf(left) > limit);
}

/** Whether a downgrade goes to a version that can't read the Raft log of newer servers. */
export const losesRaftLog = (from: string, to: string) =>
  has(from, "walLogStore") && !has(to, "walLogStore");

/**
 * The stops that an upgrade needs on the way, as image tags. For each but the dedicated ones, that
 * is the newest release of a major version.
 *
 * @returns empty if the upgrade is supported in one go
 */
export function stopsBetween(from: string, to: string): string[] {
  const [build, suffix] = isEnterprise(to) ? ["+ent", "-ent"] : ["", ""];
  const candidates = possibleStops(to);
  const stops: string[] = [];
  for (let at = from; !isSupported(at, to); ) {
    const next = nextStop(
      at,
      to,
      candidates.filter((stop) => isSupported(at, stop + build)),
    );
    if (next === undefined) break;
    stops.push(next + suffix);
    at = next + build;
  }
  return stops;
}

/** Where an upgrade may stop without dedicated instructions, from the oldest to the newest. */
function possibleStops(to: string): string[] {
  const { from: entrance } = enterpriseEntrance;
  const first = Array.from({ length: lastOfFirst - firstFreeStop + 1 }, (_, index) => {
    const series = `1.${firstFreeStop + index}`;
    return isEnterprise(to) && series === seriesOf(entrance) ? entrance : series;
  });
  const second = Array.from({ length: coerce(to)?.minor ?? 0 }, (_, minor) => `2.${minor}`);
  return [...first, ...second];
}

/**
 * The dedicated stop, else the last one that can be reached.
 *
 * @param reachable - from the oldest to the newest
 */
function nextStop(at: string, to: string, reachable: readonly string[]): string | undefined {
  const [low, high] = [release(at), release(to)];
  const isBetween = (stop: string) => gt(release(stop), low) && gt(high, release(stop));
  const path = dedicatedPaths.findLast((each) => isOn(each, low) && isBetween(each.to));
  if (path) return path.to;
  const able = reachable.filter(isBetween);
  const { into, from: entrance } = enterpriseEntrance;
  const needsEntrance = isEnterprise(to) && gte(high, into) && able.includes(entrance);
  return needsEntrance ? entrance : able.at(-1);
}

/** Prereleases of Enterprise are `1.22.0+entrc1`. */
const isEnterprise = (version: string) => /\+(.*\.)?ent/.test(version);

/** The release that a version belongs to: without prerelease and build, `1.20.0` for `1.20`. */
const release = (version: string) => coerce(version)?.version ?? "0.0.0";

const isOn = ({ from: [first, last] }: DedicatedPath, version: string) =>
  gte(version, first) && lte(version, last);

const seriesOf = (version: string) => version.split(".").slice(0, 2).join(".");

/** Counts major versions, 1.N and 2.N, from 1.0 on. NaN from 3.0 on. */
function majorsOf(version: string): number {
  const [first, second = 0] = version.split(".").map(Number);
  if (first === 1) return second;
  return first === 2 ? lastOfFirst + 1 + second : Number.NaN;
}
