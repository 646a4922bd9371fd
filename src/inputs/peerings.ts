/** Peerings in a cluster file, and which datacenters are joined over WAN because of them. */
import type { Problem } from "../errors.ts";
import type { Content } from "./cluster-file-schema.ts";
import type { Datacenter } from "./cluster-spec.ts";
import { type PlaceOf, problemAt } from "./file-problem.ts";
import type { DeclaredEntry, DeclaredPeering } from "./seeds.ts";
import { nearest, pathText, shortened, shown } from "./wording.ts";

/** A peering's two datacenters, by name. */
export type Peers = Pick<DeclaredPeering, "acceptor" | "dialer">;

const roles = ["acceptor", "dialer"] as const;

/** Each peer has the name of its datacenter, and Consul's rule for it (agent/rpc/peering/validate.go). */
const peerPattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** The peerings that a file declares. */
export const declaredPeerings = ({ peerings = [] }: Content, placeOf: PlaceOf): DeclaredPeering[] =>
  peerings.map(({ acceptor, dialer }, index) => {
    const path = ["peerings", index];
    const name = `${pathText(path)} (${acceptor} and ${dialer})`;
    return { name, place: placeOf(...path), acceptor, dialer };
  });

/**
 * Names of the datacenters, each with that of the primary of those that it is joined with over WAN. One
 * with a peering is joined with none. Pure.
 */
export function federationsOf(
  names: readonly string[],
  peerings: readonly Peers[],
): ReadonlyMap<string, string> {
  const isPeered = (name: string) =>
    peerings.some(({ acceptor, dialer }) => acceptor === name || dialer === name);
  const primary = names.find((name) => !isPeered(name));
  return new Map(names.map((name) => [name, isPeered(name) ? name : (primary ?? name)]));
}

/** What is wrong with a file's peerings. */
export function peeringProblems(content: Content, placeOf: PlaceOf): Problem[] {
  const { peerings = [], datacenters = [] } = content;
  if (peerings.length === 0) return [];
  const names = datacenters.map(({ name }) => name);
  const problems = peerings.flatMap((peers, index) => {
    const path = ["peerings", index] as const;
    const ofNames = roles.flatMap((role) => {
      const words = wrongName(peers[role], names);
      if (words === undefined) return [];
      const field = [...path, role];
      return [problemAt(placeOf(...field), `\`${pathText(field)}\` is ${words}`)];
    });
    const words = wrongPair(peers, peerings.slice(0, index));
    if (words === undefined) return ofNames;
    return [...ofNames, problemAt(placeOf(...path), `\`${pathText(path)}\` ${words}`)];
  });
  return problems.length > 0 ? problems : leftAlone(names, peerings, placeOf);
}

function wrongName(name: string, names: readonly string[]): string | undefined {
  if (!names.includes(name)) {
    const near = nearest(name, names);
    const advice =
      near !== undefined
        ? `did you mean \`${near}\`?`
        : names.length === 0
          ? "list at least two under `datacenters`."
          : `they are ${names.join(", ")}.`;
    return `${shown(name)}, which is none of this file's \`datacenters\`; ${advice}`;
  }
  if (peerPattern.test(name)) return undefined;
  return `${shown(name)}, which can't be the name of a peer: it must have only lowercase letters, digits, and \`-\`, and start and end with a letter or a digit. Give the datacenter another name.`;
}

function wrongPair(peers: Peers, before: readonly Peers[]): string | undefined {
  const { acceptor, dialer } = peers;
  if (acceptor === dialer)
    return `is of ${shown(acceptor)} with itself: \`acceptor\` and \`dialer\` must be different datacenters.`;
  const pair = (each: Peers) => [each.acceptor, each.dialer].sort().join();
  const same = before.findIndex((each) => pair(each) === pair(peers));
  if (same < 0) return undefined;
  return `is of the same datacenters as \`peerings[${same}]\`: one peering is enough, since services can be exported both ways.`;
}

/** A datacenter that would have nothing to do with any other. */
function leftAlone(
  names: readonly string[],
  peerings: readonly Peers[],
  placeOf: PlaceOf,
): Problem[] {
  const unpeered = names.filter((name) =>
    peerings.every(({ acceptor, dialer }) => acceptor !== name && dialer !== name),
  );
  const [alone, ...others] = unpeered;
  if (alone === undefined || others.length > 0) return [];
  const index = names.indexOf(alone);
  const message = `\`datacenters[${index}]\` (${alone}) has no peering, and all others have one, so that it can't be joined with them over WAN. Give it a peering, or leave it out.`;
  return [problemAt(placeOf("datacenters", index, "name"), message)];
}

/** Configuration entries for a datacenter that has none of its own. */
export function misplacedEntries(
  entries: readonly DeclaredEntry[],
  datacenters: readonly Pick<Datacenter, "name" | "federation">[],
): Problem[] {
  const names = datacenters.map(({ name }) => name);
  return entries.flatMap(({ name, place, datacenter }) => {
    if (datacenter === undefined) return [];
    const found = datacenters.find((each) => each.name === datacenter);
    if (found && found.federation === found.name) return [];
    const near = nearest(datacenter, names);
    const reason = found
      ? `which has those of \`${found.federation}\`, as it is joined with it over WAN. Leave \`datacenter\` out, or make it \`${found.federation}\`.`
      : `which is not in this cluster; ${near === undefined ? `its datacenters are ${names.join(", ")}.` : `did you mean \`${near}\`?`}`;
    return [
      problemAt(place, `\`${name}\` is for datacenter \`${shortened(datacenter)}\`, ${reason}`),
    ];
  });
}
