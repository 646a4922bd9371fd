/**
 * npm run soak -- [rounds] [seed]: starts and removes clusters of random sizes again and again, and
 * interrupts some at random. In the end the engine must hold what it held at the start, and no
 * process may have grown. Prints the results, and writes them to docs/reliability.md.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { counted } from "../src/errors.ts";
import { commandLine, wholeNumber } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { prepareMachine } from "./machine.ts";
import { Job, root, type StepResult } from "./runner.ts";

const { rounds, seed } = commandLine({
  command: "npm run soak",
  about: "starts and removes clusters again and again, and writes docs/reliability.md",
  values: z.object({
    rounds: wholeNumber(1).default(200).describe("number of clusters to start"),
    seed: wholeNumber(0)
      .default(1)
      .describe("seed of all random choices: the same seed makes the same choices"),
  }),
  positional: ["rounds", "seed"],
});
const report = join(root, "docs/reliability.md");
const [begin, end] = ["<!-- soak -->", "<!-- /soak -->"];

/** Random numbers from 0 to 1 by a seed (mulberry32), so that a failed round can be repeated. */
function generator(state: number): () => number {
  let a = state;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = generator(seed);
const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const oneOf = <T>(...choices: [T, ...T[]]): T =>
  choices[between(0, choices.length - 1)] ?? choices[0];

const docker = (...args: string[]) => execFileSync("docker", args, { encoding: "utf8" });
const list = (...args: string[]) =>
  docker(...args)
    .split("\n")
    .filter((line) => line !== "");

/** Every container, network, and volume of the engine. */
function holdings(): string[] {
  return [
    ...list("ps", "--all", "--quiet", "--no-trunc"),
    ...list("network", "ls", "--quiet", "--no-trunc"),
    ...list("volume", "ls", "--quiet"),
  ].sort();
}

const clusterFilter = "--filter=label=consul-cluster-action.cluster";

/** What happens to a cluster before its post step. */
const disturbances = {
  "left alone": () => {},
  "one paused": (containers: string[]) => docker("pause", ...containers.slice(0, 1)),
  "one stopped": (containers: string[]) => docker("kill", ...containers.slice(-1)),
  "one removed": (containers: string[]) => docker("rm", "--force", ...containers.slice(0, 1)),
  "one restarting": (containers: string[]) => {
    docker("update", "--restart=always", ...containers.slice(0, 1));
    docker("exec", ...containers.slice(0, 1), "kill", "1");
  },
} as const;

type Signal = "SIGINT" | "SIGTERM" | "SIGKILL";

interface Round {
  readonly kind: string;
  readonly start: number;
  readonly removal: number;
  readonly problems: readonly string[];
}

async function round(image: string, before: readonly string[]): Promise<Round> {
  const inputs = {
    image,
    servers: String(oneOf(1, 1, 1, 3)),
    clients: String(between(0, 3)),
    ...{ "http-port": "0", "dns-port": "0", "grpc-port": "0" },
  };
  const signal = oneOf<Signal | undefined>(undefined, "SIGINT", "SIGTERM", "SIGKILL");
  const job = new Job();
  const step = job.start(inputs);
  const after = between(0, 2500);
  const timer = signal && setTimeout(() => step.process.kill(signal), after);
  const result = await step.result;
  clearTimeout(timer);
  const isStarted = result.exitCode === 0;
  const disturbance = isStarted ? oneOf(...disturbanceNames) : undefined;
  if (disturbance) disturbances[disturbance](list("ps", "--format={{.Names}}", clusterFilter));
  const post = await job.post();
  job.dispose();
  return {
    kind: disturbance ? `started, then ${disturbance}` : `interrupted by ${signal ?? "nothing"}`,
    start: result.milliseconds,
    removal: post.milliseconds,
    problems: problemsOf(result, signal, post, before),
  };
}

const disturbanceNames = Object.keys(disturbances) as [keyof typeof disturbances];

function problemsOf(
  result: StepResult,
  signal: Signal | undefined,
  post: StepResult,
  before: readonly string[],
): string[] {
  const left = holdings().filter((id) => !before.includes(id));
  return [
    ...(signal === undefined && result.exitCode !== 0 ? [`main failed:\n${result.log}`] : []),
    ...(post.exitCode === 0 && !post.log.includes("::warning") ? [] : [`post:\n${post.log}`]),
    ...(left.length > 0 ? [`left behind: ${left.join(", ")}`] : []),
  ];
}

/** Open files and resident memory (KiB) of the engine of this network namespace; Linux only. */
function engineUse(): { files: number; memory: number } {
  const namespace = readlinkSync("/proc/self/ns/net");
  const pid = readdirSync("/proc").find((name) => {
    try {
      const command = readFileSync(`/proc/${name}/comm`, "utf8").trim();
      return command === "dockerd" && readlinkSync(`/proc/${name}/ns/net`) === namespace;
    } catch {
      return false; // not a process, or gone
    }
  });
  return use(pid ?? "self");
}

function use(pid: string): { files: number; memory: number } {
  const [, memory = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return { files: readdirSync(`/proc/${pid}/fd`).length, memory: Number(memory) };
}

const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);

function table(results: readonly Round[]): string[] {
  const kinds = [...new Set(results.map(({ kind }) => kind))].sort();
  return kinds.map((kind) => {
    const of = results.filter((each) => each.kind === kind);
    const [starts, removals] = [of.map(({ start }) => start), of.map(({ removal }) => removal)];
    const bad = of.filter(({ problems }) => problems.length > 0).length;
    const times = [starts, removals].map(
      (list) => `${seconds(quantile(list, 0.5))} s, ${seconds(Math.max(...list))} s`,
    );
    return `| ${kind} | ${of.length} | ${bad} | ${times.join(" | ")} |`;
  });
}

prepareMachine();
const image = consulImage();
// In the first round the engine opens files that it keeps open.
await round(image, holdings());
const before = holdings();
const [engineBefore, selfBefore] = [engineUse(), use("self")];
const started = performance.now();
const results: Round[] = [];
for (let number = 1; number <= rounds; number++) {
  const result = await round(image, before);
  results.push(result);
  const { kind, start, removal, problems } = result;
  console.log(`${number} ${kind}: ${seconds(start)} s, removed in ${seconds(removal)} s`);
  for (const problem of problems) console.log(`  PROBLEM ${problem}`);
}
await sleep(2000);
const [engineAfter, selfAfter] = [engineUse(), use("self")];
const bad = results.filter(({ problems }) => problems.length > 0).length;
const left = holdings().filter((id) => !before.includes(id));
const growth = (name: string, from: ReturnType<typeof use>, to: ReturnType<typeof use>) =>
  `| ${name} | ${from.files} | ${to.files} | ${Math.round(from.memory / 1024)} MiB | ${Math.round(to.memory / 1024)} MiB |`;

const figures = [
  begin,
  `${new Date().toISOString().slice(0, 10)}, seed ${seed}: ${counted(rounds, "round")} in ${counted(Math.round((performance.now() - started) / 60_000), "minute")}, ${bad} failed, ${counted(left.length, "object")} left on the engine.`,
  "",
  "| scenario | rounds | failed | main step: median, longest | post step: median, longest |",
  "| --- | --- | --- | --- | --- |",
  ...table(results),
  "",
  "| process | open files before | after | memory before | after |",
  "| --- | --- | --- | --- | --- |",
  growth("Docker engine", engineBefore, engineAfter),
  growth("soak test", selfBefore, selfAfter),
  end,
].join("\n");
console.log(figures);
const text = readFileSync(report, "utf8");
const parts = new RegExp(`${begin}.*?${end}`, "s");
if (!parts.test(text)) throw new Error(`${report} has no place for the results`);
writeFileSync(
  report,
  text.replace(parts, () => figures),
);
process.exitCode = bad > 0 || left.length > 0 ? 1 : 0;
