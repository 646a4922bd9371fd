import { expect, test } from "vitest";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";

function parse(inputs: Readonly<Record<string, string>>, file = "") {
  const given = new Map(Object.entries({ ...inputDefaults, ...inputs }));
  const readFile = () => Buffer.from(file);
  return parseInputs((name) => given.get(name) ?? "", readFile);
}

const three = "default worker-1 worker-2";

test("the limit of clients is that of each engine", () => {
  expect(() => parse({ clients: "100" })).not.toThrow();
  expect(() => parse({ clients: "300", engines: three })).not.toThrow();
  const refused =
    "it must be a whole number from 0 to 100, or with `engines` that many for each of them (each agent needs about 50 MB of memory). For example: `clients: 2`.";
  expect(() => parse({ clients: "101" })).toThrow(`Input \`clients\` is "101": ${refused}`);
  expect(() => parse({ clients: "301", engines: three })).toThrow(
    `Input \`clients\` is "301": ${refused}`,
  );
  expect(() => parse({ clients: "901" })).toThrow(`Input \`clients\` is "901": ${refused}`);
});

test("so is that of a datacenter in a cluster file", () => {
  const file = "datacenters:\n  - name: a\n  - name: b\n    clients: 101\n";
  const cluster = { cluster: "cluster.yml" };
  expect(() => parse({ ...cluster, engines: three }, file)).not.toThrow();
  expect(() => parse(cluster, file)).toThrow(
    "cluster.yml:4:5: `datacenters[1].clients` is 101: it must be a whole number from 0 to 100, or with `engines` that many for each of them.",
  );
});

const warnings = (inputs: Readonly<Record<string, string>>) => parse(inputs).warnings;

test("with two engines, the loss of one always loses the quorum, or may", () => {
  for (const [servers, left, quorum] of [
    ["1", "0 servers", 1],
    ["3", "1 server", 2],
    ["5", "2 servers", 3],
  ] as const)
    expect(warnings({ servers, engines: "default worker-1" })).toEqual([
      `The loss of one engine loses the quorum: ${left} of ${servers} would be left, and the quorum is ${quorum}. With two engines that is always so: use three.`,
    ]);
});

test("with more, it does with too few servers, and the warning says how many are enough", () => {
  for (const servers of ["3", "5", "7", "9"])
    expect(warnings({ servers, engines: three })).toEqual([]);
  const [single] = warnings({ servers: "1", engines: three });
  expect(single).toMatch(/^The loss of one engine .* Use 3 servers for 3 engines\.$/);
  const [four] = warnings({ servers: "4", engines: three });
  expect(four).toMatch(/ 2 servers of 4 would be left.* Use 5 servers for 3 engines\.$/);
});

test("each datacenter has its quorum", () => {
  const file = "datacenters:\n  - { name: a, servers: 3 }\n  - { name: b, servers: 1 }\n";
  expect(parse({ cluster: "cluster.yml", engines: three }, file).warnings).toEqual([
    expect.stringContaining("loses the quorum of datacenter b: "),
  ]);
});

test("a machine's neighbor table has room for its own agents' neighbors", () => {
  // On one machine, 32 agents are the most.
  expect(warnings({ servers: "3", clients: "30" })).toHaveLength(1);
  expect(warnings({ servers: "3", clients: "51", engines: three })).toEqual([]);
  expect(warnings({ servers: "3", clients: "52", engines: three })).toEqual([
    expect.stringMatching(
      /^The cluster has 55 agents on 3 engines\..* on every machine, default, worker-1, worker-2: `sudo sysctl -w net\.ipv4\.neigh\.default\.gc_thresh3=16384`\.$/,
    ),
  ]);
});
