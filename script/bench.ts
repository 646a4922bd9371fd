/**
 * npm run bench: measures this action against the other ways to start a cluster, round by round,
 * prints a table and writes docs/benchmark.md and its pictures.
 *
 *   --runs N         rounds, 7 unless given
 *   --ways a,b,...   only ways whose names begin so; the documents are then left alone
 */
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
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
import { neighborRoom } from "./bench/neighbors.ts";
import { lineChart, type Point, timelinePicture } from "./bench/picture.ts";
import {
  action,
  bare,
  byHand,
  compose,
  dev,
  findCompose,
  type Sample,
  type Way,
} from "./bench/ways.ts";
import { consulImage } from "./consul-image.ts";
import { root } from "./runner.ts";

/** Clients of each size at which growth is measured, besides 3 servers. */
const sizes = [3, 10, 20, 40];

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
    way("hand", "the hand recipe", 3, 3, () => byHand(image, 3, 3)),
    ...(composeCommand
      ? [
          way("compose", `\`${composeCommand.join(" ")}\``, 3, 3, () =>
            compose(composeCommand, image, 3, 3),
          ),
        ]
      : []),
    way("action", "this action", 1, 0, () => action(image, 1, 0)),
    { name: "dev", title: "bare `agent -dev`", agents: 1, measure: () => dev(image) },
  ];
}

async function measureAll(ways: readonly Way[], runs: number): Promise<Measured[]> {
  const samples = new Map(ways.map(({ name }): [string, Sample[]] => [name, []]));
  for (let round = 0; round < runs; round++) {
    console.log(`round ${round + 1} of ${runs}`);
    // Another way begins each round, so that none always follows the same one.
    for (const way of [...ways.slice(round % ways.length), ...ways.slice(0, round % ways.length)]) {
      const sample = await way.measure().catch((error: unknown) => {
        // One cluster that did not come up must not cost the others' measurements.
        console.log(`  ${way.name.padEnd(12)} FAILED: ${String(error).slice(0, 2000)}`);
      });
      if (!sample) continue;
      samples.get(way.name)?.push(sample);
      const [up, down] = [sample.up, sample.down].map((t) => (t / 1000).toFixed(2).padStart(6));
      console.log(`  ${way.name.padEnd(12)} ready ${up} s  removed ${down} s`);
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

function pictures(measured: readonly Measured[]): Record<string, string> {
  const line = (title: string, pattern: RegExp) => ({
    title,
    points: measured.filter(({ way }) => pattern.test(way.name)).map(pointOf),
  });
  const growth = lineChart("Seconds until ready: 3 servers and their clients", [
    line("this action", /^action-3/),
    line("bare docker run, 8 at a time", /^bare/),
    line("docker compose, best settings", /^compose/),
    line("the hand recipe", /^hand/),
  ]);
  const title = "One start of 3 servers and 3 clients";
  return {
    "benchmark.svg": growth,
    "timeline.svg": timelinePicture(title, typicalPhases(measured)),
  };
}

function pointOf({ way, samples }: Measured): Point {
  const { median, min, max } = summaryOf([{ way, samples }], way.name, "up") ?? {
    median: 0,
    min: 0,
    max: 0,
  };
  return { x: way.agents, y: median / 1000, min: min / 1000, max: max / 1000 };
}

/** Phases of the run in the middle. */
function typicalPhases(measured: readonly Measured[]) {
  const samples = measured.find(({ way }) => way.name === "action-3+3")?.samples ?? [];
  const sorted = samples.toSorted((a, b) => a.up - b.up);
  return sorted[Math.floor(sorted.length / 2)]?.phases ?? [];
}

const { values } = parseArgs({
  options: { runs: { type: "string", default: "7" }, ways: { type: "string" } },
});
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs is ${values.runs}: it must be a whole number from 1`);
const image = consulImage();
const composeCommand = await findCompose();
const all = waysOf(image, composeCommand);
const wanted = values.ways?.split(",") ?? [];
const ways =
  values.ways === undefined
    ? all
    : all.filter(({ name }) => wanted.some((begin) => name.startsWith(begin)));
if (ways.length === 0)
  throw new Error(`--ways is ${values.ways}: there are ${all.map(({ name }) => name).join(", ")}`);

const network = neighborRoom();
const setting = { ...(await settingOf(image, composeCommand)), network };
const measured = await measureAll(ways, runs);
console.log(["", ...waysTable(measured), "", ...verdictTable(verdictsOf(measured))].join("\n"));
if (values.ways === undefined) {
  const documents = { "benchmark.md": documentOf(measured, setting), ...pictures(measured) };
  for (const [file, content] of Object.entries(documents))
    writeFileSync(join(root, "docs", file), content);
  console.log(
    `\nWritten: ${Object.keys(documents)
      .map((file) => `docs/${file}`)
      .join(", ")}`,
  );
}
