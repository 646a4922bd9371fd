import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { parseClusterFile } from "../../../src/inputs/cluster-file.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { federationsOf } from "../../../src/inputs/peerings.ts";
import { unmetNeeds, versionNeeds } from "../../../src/inputs/version-needs.ts";

const problemsOf = (text: string) =>
  parseClusterFile({
    text,
    name: "cluster.yml",
    readFile: () => {
      throw new Error("no such file");
    },
  }).problems.map(({ message }) => message);

const specOf = (cluster: string) =>
  parseInputs((name) => ({ ...inputDefaults, cluster })[name] ?? "").spec;

const three = `datacenters: [{ name: east, servers: 1 }, { name: west, servers: 1 }, { name: north }]
`;

test("two datacenters with a peering are each their own primary", () => {
  const { datacenters, seeds } = specOf(`datacenters: [{ name: east }, { name: west }]
peerings:
  - { acceptor: east, dialer: west }
`);
  const { place, ...peering } = seeds.peerings[0] ?? {};
  expect(place).toMatchObject({ line: 3, column: 5 });
  expect(peering).toEqual({
    name: "peerings[0] (east and west)",
    acceptor: "east",
    dialer: "west",
  });
  expect(datacenters.map(({ name, federation, dials }) => [name, federation, dials])).toEqual([
    ["east", "east", []],
    ["west", "west", ["east"]],
  ]);
});

test("those without one stay joined over WAN", () => {
  const { datacenters } = specOf(`datacenters: [{ name: a }, { name: b }, { name: c }, { name: d }]
peerings: [{ acceptor: b, dialer: c }]
`);
  expect(datacenters.map(({ name, federation }) => [name, federation])).toEqual([
    ["a", "a"],
    ["b", "b"],
    ["c", "c"],
    ["d", "a"],
  ]);
});

const names = ["a", "b", "c", "d", "e"];
const name = fc.constantFrom(...names);

test("a datacenter is joined with others exactly if none of them has a peering", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ acceptor: name, dialer: name })), (peerings) => {
      const peered = new Set(peerings.flatMap(({ acceptor, dialer }) => [acceptor, dialer]));
      const federations = federationsOf(names, peerings);
      for (const each of names)
        for (const other of names)
          expect(federations.get(each) === federations.get(other)).toBe(
            each === other || !(peered.has(each) || peered.has(other)),
          );
      // Whose name it is, is its primary: the first.
      for (const [each, primary] of federations)
        expect(names.indexOf(primary)).toBeLessThanOrEqual(names.indexOf(each));
    }),
  );
});

describe("what is wrong with peerings", () => {
  test.each([
    [
      `${three}peerings: [{ acceptor: est, dialer: west }]`,
      [
        '2:14: `peerings[0].acceptor` is "est", which is none of this file\'s `datacenters`; did you mean `east`?',
      ],
    ],
    [
      `${three}peerings: [{ acceptor: east, dialer: somewhere }]`,
      [
        '2:30: `peerings[0].dialer` is "somewhere", which is none of this file\'s `datacenters`; they are east, west, north.',
      ],
    ],
    [
      "peerings: [{ acceptor: dc1, dialer: dc2 }]",
      [
        '1:14: `peerings[0].acceptor` is "dc1", which is none of this file\'s `datacenters`; list at least two under `datacenters`.',
        '1:29: `peerings[0].dialer` is "dc2", which is none of this file\'s `datacenters`; list at least two under `datacenters`.',
      ],
    ],
    [
      "datacenters: [{ name: eu_west }, { name: b }]\npeerings: [{ acceptor: b, dialer: eu_west }]",
      [
        '2:27: `peerings[0].dialer` is "eu_west", which can\'t be the name of a peer: it must have only lowercase letters, digits, and `-`, and start and end with a letter or a digit. Give the datacenter another name.',
      ],
    ],
    [
      `${three}peerings: [{ acceptor: east, dialer: east }]`,
      [
        '2:12: `peerings[0]` is of "east" with itself: `acceptor` and `dialer` must be different datacenters.',
      ],
    ],
    [
      `${three}peerings:
  - { acceptor: east, dialer: west }
  - { acceptor: north, dialer: west }
  - { acceptor: west, dialer: east }`,
      [
        "5:5: `peerings[2]` is of the same datacenters as `peerings[0]`: one peering is enough, since services can be exported both ways.",
      ],
    ],
    [
      `${three}peerings: [{ acceptor: east, dialer: west }]`,
      [
        "1:73: `datacenters[2]` (north) has no peering, and all others have one, so that it can't be joined with them over WAN. Give it a peering, or leave it out.",
      ],
    ],
    [
      `${three}peerings: [{ acceptor: east }]`,
      ["2:12: `peerings[0].dialer` is missing: it must be the name of a datacenter."],
    ],
    [
      `${three}peerings: [{ acceptor: east, dialer: west, name: x }]`,
      ["2:44: `name` is not known in `peerings[0]`; known are `acceptor`, `dialer`."],
    ],
  ])("%#", (text, expected) => {
    expect(problemsOf(text)).toEqual(expected.map((each) => `cluster.yml:${each}`));
  });

  test("entries are for a primary that is in the cluster", () => {
    const refused = (datacenter: string, peerings = "") => {
      try {
        specOf(`${three}${peerings}
config_entries: [{ Kind: mesh, datacenter: ${datacenter} }]`);
      } catch (error) {
        if (error instanceof InputError) return error.problems.map(({ message }) => message);
        throw error;
      }
      return [];
    };
    const all = "peerings: [{ acceptor: east, dialer: west }, { acceptor: east, dialer: north }]";
    expect(refused("west", all)).toEqual([]);
    expect(refused("east")).toEqual([]);
    expect(refused("wst", all)).toEqual([
      expect.stringContaining(
        "for datacenter `wst`, which is not in this cluster; did you mean `west`?",
      ),
    ]);
    expect(refused("west")).toEqual([
      expect.stringContaining(
        "for datacenter `west`, which has those of `east`, as it is joined with it over WAN.",
      ),
    ]);
  });

  test("a version without it says so", () => {
    const { seeds } = specOf(`${three}peerings:
  - { acceptor: east, dialer: west }
  - { acceptor: east, dialer: north }`);
    const needs = versionNeeds(seeds);
    expect(unmetNeeds(needs, "1.14.0-beta1")).toEqual([]);
    expect(unmetNeeds(needs.slice(0, 1), "1.8.7").map(({ message }) => message)).toEqual([
      "Input `cluster`:3:5: `peerings[0] (east and west)` needs Consul 1.14 or later, but this is Consul 1.8.7. Set `version` to 1.14 or later, or leave it out.",
    ]);
  });
});
