/**
 * npm run bench: compares this action with other ways to start a cluster, round by round,
 * prints a table and writes docs/benchmark.md and its charts.
 * npm run bench -- --help lists its flags.
 */
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { docker, run } from "./bench/docker.ts";
import {
  documentOf,
  type Measured,
  type Setting,
  summaryOf,
  verdictsOf,
  verdictTable,
  waysTable,
} from "./bench/document.ts";
import { fault, kill, upgrade } from "./bench/later-steps.ts";
import { neighborRoom } from "./bench/neighbors.ts";
import {
  type MachineSamples,
  measureSeveralEngines,
  severalEnginesTable,
} from "./bench/several-engines.ts";
import { seconds } from "./bench/statistics.ts";
import {
  action,
  bare,
  byHand,
  compose,
  datacenters,
  dev,
  findCompose,
  type Sample,
  type Way,
} from "./bench/ways.ts";
import { type Figures, writeFigures } from "./chart/figures.ts";
import type { Point } from "./chart/lines.ts";
import { commandLine, wholeNumber } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { prepareMachine } from "./machine.ts";
import { root } from "./runner.ts";

/** Numbers of clients, besides 3 servers, at which growth is measured. */
const sizes = [3, 10, 20, 40];

/** Inputs of secured clusters. */
const secured: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["acl", { acl: "true" }],
  ["tls", { tls: "true" }],
  ["acl-tls-gossip", { acl: "true", tls: "true", "gossip-encryption": "true" }],
];

function waysOf(image: string, composeCommand: readonly string[] | undefined): Way[] {
  const way = (
    name: string,
    title: string,
    servers: number,
    clients: number,
    measure: () => Promise<Sample>,
  ) => ({
    name: `${name}-${servers}+${clients}`,
    title: `${title}, ${servers} + ${clients}`,
    agents: servers + clients,
    measure,
  });
  return [
    ...sizes.flatMap((clients) => [
      way("action", "this action", 3, clients, () => action(image, 3, clients)),
      way("bare", "bare `docker run`", 3, clients, () => bare(image, 3, clients)),
    ]),
    way("hand", "hand-written script", 3, 3, () => byHand(image, 3, 3)),
    ...(composeCommand
      ? [
          way("compose", `\`${composeCommand.join(" ")}\``, 3, 3, () =>
            compose(composeCommand, image, 3, 3),
          ),
        ]
      : []),
    way("action", "this action", 1, 0, () => action(image, 1, 0)),
    ...secured.map(([name, inputs]) =>
      way(name, `this action with \`${name}\``, 3, 3, () => action(image, 3, 3, inputs)),
    ),
    way("datacenter", "this action, one datacenter", 3, 1, () => action(image, 3, 1)),
    way("datacenters", "this action, two datacenters", 6, 2, () =>
      datacenters(image, { dc1: [3, 1], dc2: [3, 1] }),
    ),
    way("fault", "a `fault` step that waits for nothing", 3, 3, () => fault(image)),
    way("kill", "bare `docker kill`", 3, 3, () => kill(image)),
    way("upgrade", "an upgrade, for each node", 3, 2, () => upgrade(image)),
    { name: "dev", title: "bare `agent -dev`", agents: 1, measure: () => dev(image) },
  ];
}

/** Characters of the longest name of a variant. */
const nameWidth = 18;

function describe({ up, down }: Sample): string {
  const text = (time: number) => `${seconds(time).padStart(6)} s`;
  return down === undefined ? `done  ${text(up)}` : `ready ${text(up)}  removed ${text(down)}`;
}

async function measureAll(ways: readonly Way[], runs: number): Promise<Measured[]> {
  const samples = new Map(ways.map(({ name }): [string, Sample[]] => [name, []]));
  for (let round = 0; round < runs; round++) {
    console.log(`round ${round + 1} of ${runs}`);
    // Each round starts with another variant, so that none always follows the same one.
    for (const way of [...ways.slice(round % ways.length), ...ways.slice(0, round % ways.length)]) {
      const sample = await way.measure().catch((error: unknown) => {
        // A cluster that does not start must not cost the measurements of the others.
        console.log(`  ${way.name.padEnd(nameWidth)} FAILED: ${String(error).slice(0, 2000)}`);
      });
      if (!sample) continue;
      samples.get(way.name)?.push(sample);
      console.log(`  ${way.name.padEnd(nameWidth)} ${describe(sample)}`);
    }
  }
  return ways
    .map((way) => ({ way, samples: samples.get(way.name) ?? [] }))
    .filter((each) => each.samples.length > 0);
}

async function settingOf(
  image: string,
  composeCommand: readonly string[] | undefined,
): Promise<Setting> {
  const processors = cpus();
  const consul = await docker("run", "--rm", "--pull=never", image, "version");
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    engine: `Docker ${await docker("version", "--format", "{{.Server.Version}} ({{.Server.Os}}/{{.Server.Arch}}), CLI {{.Client.Version}}")}, ${await docker("info", "--format", "{{.Driver}}")}`,
    Consul: `${consul.split("\n")[0]} (image \`${image}\`)`,
    compose: composeCommand ? await composeVersion(composeCommand) : "not installed",
    "Node.js": process.version,
  };
}

async function composeVersion([program = "", ...args]: readonly string[]): Promise<string> {
  return run(program, ...args, "version", "--short");
}

/** The figures for the charts. */
function figuresOf(measured: readonly Measured[]): Pick<Figures, "benchmark" | "timeline"> {
  const line = (name: string, pattern: RegExp) => ({
    name,
    points: measured.filter(({ way }) => pattern.test(way.name)).map(pointOf),
  });
  const lines = [
    line("this action", /^action-3/),
    line("bare docker run, 8 at a time", /^bare/),
    line("Docker Compose, same settings", /^compose/),
    line("hand-written script, one agent after another", /^hand/),
  ];
  const bars = typicalPhases(measured).map(({ name, from, to }) => ({
    name,
    from: from / 1000,
    to: to / 1000,
  }));
  return { benchmark: lines.filter(({ points }) => points.length > 0), timeline: bars };
}

function pointOf({ way, samples }: Measured): Point {
  const { median, min, max } = summaryOf([{ way, samples }], way.name, "up") ?? {
    median: 0,
    min: 0,
    max: 0,
  };
  return { agents: way.agents, median: median / 1000, min: min / 1000, max: max / 1000 };
}

/** The phases of the median run. */
function typicalPhases(measured: readonly Measured[]) {
  const samples = measured.find(({ way }) => way.name === "action-3+3")?.samples ?? [];
  const sorted = samples.toSorted((a, b) => a.up - b.up);
  return sorted[Math.floor(sorted.length / 2)]?.phases ?? [];
}

/** The name of what is measured on several engines. */
const machinesName = "machines";

/** @returns undefined if this machine can't make several */
async function severalEngines(image: string, runs: number): Promise<MachineSamples | undefined> {
  try {
    return await measureSeveralEngines(image, runs);
  } catch (error) {
    console.log(`  ${machinesName.padEnd(nameWidth)} FAILED: ${String(error)}`);
    return undefined;
  }
}

const names = [...waysOf("", ["docker", "compose"]).map(({ name }) => name), machinesName];
const begins = (wanted: readonly string[], name: string) =>
  wanted.some((begin) => begin !== "" && name.startsWith(begin));
const waysSchema = z
  .string()
  .transform((text) => text.split(","))
  .refine(
    (wanted) => wanted.every((begin) => names.some((name) => begins([begin], name))),
    `names of variants, or prefixes of them, separated by commas: ${names.join(", ")}`,
  );
const { runs, ways: wanted } = commandLine({
  command: "npm run bench",
  about: "compares this action with other ways to start a cluster, and writes docs/benchmark.md",
  values: z.object({
    runs: wholeNumber(1).default(7).describe("number of rounds; each measures every variant once"),
    ways: waysSchema
      .optional()
      .describe(
        `only variants whose names start with these: ${names.join(", ")}; docs stay unchanged`,
      ),
  }),
});

prepareMachine();
const image = consulImage();
const composeCommand = await findCompose();
const all = waysOf(image, composeCommand);
const ways = wanted ? all.filter(({ name }) => begins(wanted, name)) : all;
const hasMachines = wanted === undefined || begins(wanted, machinesName);
if (ways.length === 0 && !hasMachines) {
  console.error(`--ways is "${wanted}": Docker Compose is not installed`);
  process.exit(2);
}

const network = neighborRoom();
const setting = { ...(await settingOf(image, composeCommand)), network };
const measured = ways.length > 0 ? await measureAll(ways, runs) : [];
if (measured.length > 0)
  console.log(["", ...waysTable(measured), "", ...verdictTable(verdictsOf(measured))].join("\n"));
const machines = hasMachines ? await severalEngines(image, runs) : undefined;
if (machines) console.log(["", ...severalEnginesTable(machines)].join("\n"));
if (wanted === undefined) {
  writeFileSync(join(root, "docs/benchmark.md"), documentOf(measured, setting, machines));
  const files = ["docs/benchmark.md", ...writeFigures(figuresOf(measured))];
  console.log(`\nWritten: ${files.join(", ")}`);
}
