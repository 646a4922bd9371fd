import { expect, test } from "vitest";
import { mixProblems, mixWarnings } from "../../../src/apply/version-mix.ts";
import { nodesOf } from "../../../src/inputs/nodes.ts";

/** Three servers and a client of these versions. */
const mix = (...versions: readonly string[]) =>
  nodesOf([{ name: "dc1", federation: "dc1", servers: 3, clients: 1 }]).map((shape, index) => {
    return { ...shape, version: versions[index] ?? "" };
  });

test.each([
  [["1.20.6", "1.20.6", "1.22.7", "1.20.6"], []],
  [
    ["1.18.2", "1.22.7", "1.20.6", "1.18.2"],
    [
      "server-1 runs Consul 1.18.2 and server-2 1.22.7. Consul supports no upgrade from one to the other in one go, so its servers are not made to work together in these versions.",
    ],
  ],
  [
    ["1.22.7", "1.21.3", "1.22.7", "1.22.0"],
    [
      "client-1 runs Consul 1.22.0, but the server server-2 runs 1.21.3. Consul's servers are upgraded before its clients: a client may ask for what an older server does not know.",
    ],
  ],
  // A client may be as old as it likes.
  [["1.22.7", "1.22.7", "1.22.7", "1.4.4"], []],
])("versions %j are warned of: %j", (versions, warnings) => {
  expect(mixWarnings(mix(...versions))).toEqual(warnings);
});

test("versions in other datacenters matter to servers only", () => {
  const shapes = nodesOf([
    { name: "east", federation: "east", servers: 1, clients: 0 },
    { name: "west", federation: "east", servers: 1, clients: 1 },
  ]);
  const versions = ["1.20.6", "1.22.7", "1.22.7"];
  const nodes = shapes.map((shape, index) => ({ ...shape, version: versions[index] ?? "" }));
  expect(mixWarnings(nodes)).toEqual([]);
  expect(mixWarnings([])).toEqual([]);
});

test("legacy tokens and servers without them are refused, at the node that differs", () => {
  const place = { file: "cluster.yml", line: 3, column: 5 };
  const own = { place, images: [], config: "", env: new Map<string, string>() };
  const nodes = new Map([["server-2", own]]);
  const open = { acl: false, gossipEncryption: false, tls: false } as const;
  const versions = mix("1.4.5", "1.11.0", "1.4.5", "1.4.5");
  expect(
    mixProblems(versions, { security: { ...open, acl: { managementToken: undefined } }, nodes }),
  ).toEqual([
    {
      input: "cluster",
      place,
      message: expect.stringMatching(
        /^cluster\.yml:3:5: server-1 runs Consul 1\.4\.5 and server-2 1\.11\.0: with ACLs they can't/,
      ),
    },
  ]);
  expect(mixProblems(versions, { security: open, nodes })).toEqual([]);
  const later = mix("1.5.0", "1.11.0", "1.5.0", "1.5.0");
  expect(
    mixProblems(later, { security: { ...open, acl: { managementToken: undefined } }, nodes }),
  ).toEqual([]);
});
