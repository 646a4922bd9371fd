import {
  isSupported,
  knownFaultOf,
  stopsBetween,
  upgradeInstructions,
} from "../consul/upgrade-paths.ts";
import { isOlder } from "../consul/version-number.ts";
import { parseImage } from "../docker/image-reference.ts";
import { downgradeOf, lostLogText } from "./refusals.ts";
import type { UpgradeTarget } from "./step.ts";

/** An annotation. */
export interface Warning {
  readonly title: string;
  readonly message: string;
}

/**
 * What to say before an upgrade that is not refused. Pure.
 *
 * @param current - the agents' versions, at least one
 * @param targets - the stops, then the wanted version
 */
export const warningsFor = (
  current: readonly string[],
  targets: readonly Pick<UpgradeTarget, "version" | "image">[],
): Warning[] => [
  ...downgradeWarning(current, targets),
  ...jumpWarning(oldest(current), targets),
  ...targets.flatMap(({ version }) => faultWarning(version)),
];

/** A downgrade gets here only if it is forced. */
function downgradeWarning(
  current: readonly string[],
  targets: readonly Pick<UpgradeTarget, "version">[],
): Warning[] {
  const downgrade = downgradeOf(
    current,
    targets.map(({ version }) => version),
  );
  if (!downgrade) return [];
  const { from, to } = downgrade;
  const message = `The cluster is downgraded from Consul ${from} to ${to}, which Consul does not support.${lostLogText(from, to)}`;
  return [{ title: "Forced downgrade", message }];
}

/** The proposed stops include those that are already in `via`. */
function jumpWarning(
  oldestVersion: string,
  targets: readonly Pick<UpgradeTarget, "version" | "image">[],
): Warning[] {
  const jumps = targets.map((target, index) => {
    const from = targets[index - 1]?.version ?? oldestVersion;
    const tag = parseImage(target.image)?.tag ?? target.version;
    return { from, to: target.version, tag, stops: stopsBetween(from, target.version) };
  });
  const far = jumps.filter(({ from, to }) => !isSupported(from, to));
  if (far.length === 0) return [];
  const names = far.map(({ from, to }) => `from ${from} to ${to}`).join(" or ");
  const via = jumps.flatMap(({ stops, tag }) => [...stops, tag]).slice(0, -1);
  const message = `Consul does not support an upgrade ${names} in one go. To stop at supported versions on the way, set \`via: "${via.join(", ")}"\`. See ${upgradeInstructions}.`;
  return [{ title: "The upgrade skips too many versions", message }];
}

function faultWarning(version: string): Warning[] {
  const fault = knownFaultOf(version);
  if (!fault) return [];
  const message = `Consul ${version} has a known fault. ${fault.reason} Use ${fault.instead}. See ${fault.source}.`;
  return [{ title: `Known fault of Consul ${version}`, message }];
}

const oldest = (versions: readonly string[]) =>
  versions.reduce((least, version) => (isOlder(version, least) ? version : least));
