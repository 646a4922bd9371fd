import {
  isSupported,
  knownFaultOf,
  stopsBetween,
  upgradeInstructions,
} from "../consul/upgrade-paths.ts";
import { isOlder } from "./image-version.ts";
import { losesLog } from "./refusals.ts";

/** A warning: the title and the text of an annotation. */
export interface Warning {
  readonly title: string;
  readonly message: string;
}

/**
 * What to say before an upgrade that is not refused. Pure.
 *
 * @param current - the agents' versions
 * @param versions - those to upgrade to: stops, then the wanted one
 */
export function warningsFor(current: readonly string[], versions: readonly string[]): Warning[] {
  return [...jumpWarnings(oldest(current), versions), ...faultWarnings(versions)].concat(
    downgradeWarnings(current, versions),
  );
}

function jumpWarnings(from: string, versions: readonly string[]): Warning[] {
  const all = [from, ...versions];
  const jumps = versions.map((to, index) => ({ from: all[index] ?? from, to }));
  const far = jumps.filter((jump) => !isSupported(jump.from, jump.to));
  if (far.length === 0) return [];
  const wanted = versions.at(-1) ?? from;
  const stops = jumps.flatMap((jump) => [...stopsBetween(jump.from, jump.to), jump.to]);
  const asked = stops.filter((stop) => stop !== wanted).join(", ");
  const names = far.map((jump) => `from ${jump.from} to ${jump.to}`).join(" and ");
  const message = `Consul does not support an upgrade ${names} in one go: it may lose data, or not work at all. To stop at supported versions on the way, set \`via: "${asked}"\`. See ${upgradeInstructions}.`;
  return [{ title: "The upgrade skips versions", message }];
}

const faultWarnings = (versions: readonly string[]): Warning[] =>
  versions.flatMap((version) => {
    const fault = knownFaultOf(version);
    if (!fault) return [];
    const message = `Consul ${version} has a known fault. ${fault.reason} Upgrade to ${fault.instead} instead. See ${fault.source}.`;
    return [{ title: `Known fault of Consul ${version}`, message }];
  });

/** A downgrade gets here only if it is forced. */
function downgradeWarnings(current: readonly string[], versions: readonly string[]): Warning[] {
  const [first = ""] = versions;
  const newer = current.find((version) => isOlder(first, version));
  if (newer === undefined) return [];
  const message = `The cluster is downgraded from Consul ${newer} to ${first}, which Consul does not support.${losesLog(newer, first)}`;
  return [{ title: "Forced downgrade", message }];
}

const oldest = (versions: readonly string[]) =>
  versions.reduce((least, version) => (isOlder(version, least) ? version : least));
