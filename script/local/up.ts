/** Starts a cluster on this machine with the committed dist, the way a job's step does. */
import { existsSync, mkdtempSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { readAction } from "../action.ts";
import { isStandIn } from "../consul-image.ts";
import { linePrinter } from "../print.ts";
import { Job, type RunningStep, root, type StepResult } from "../runner.ts";
import {
  agentsOf,
  type Cluster,
  forget,
  idOf,
  isGone,
  type Known,
  remember,
  remembered,
} from "./clusters.ts";
import { DockerFailure, docker } from "./docker.ts";
import { type Asked, ownDefaults, readFlags } from "./flags.ts";
import type { Home } from "./home.ts";
import { asEnv, asJson, asText, nodesOf } from "./show.ts";

/**
 * @param args - the words after the command
 * @returns the exit code
 */
export async function up(home: Home, args: readonly string[]): Promise<number> {
  const asked = readFlags(readAction(root), home, args);
  // What else is said must not get into what is pasted or parsed.
  const say = asked.format === "text" ? console.log : console.error;
  try {
    home.prepare();
    const there = remembered(home.records).filter((each) => isUp(each, home));
    const last = there.at(-1);
    if (last && !isBeside(asked)) return leave(there, last, { asked, home, say });
    return await start(asked, home, say);
  } catch (error) {
    if (!(error instanceof DockerFailure)) throw error;
    console.error(error.message);
    return 1;
  }
}

interface Telling {
  readonly asked: Asked;
  readonly home: Home;
  readonly say: (line: string) => void;
}

/** Whether a cluster's agents run. One that has stopped, after a restart of the machine, is no cluster. */
function isUp(cluster: Known, home: Home): boolean {
  const { all, running } = agentsOf(cluster);
  if (running > 0 && running === all) return true;
  console.error(
    `Cluster ${idOf(cluster) || cluster.temp} is not up: ${running} of its ${all} agents are running. ${home.withFlags("down", idOf(cluster))} removes what is left of it.`,
  );
  return false;
}

/** Whether the cluster is to run beside others: with Consul's own ports it can't. */
const isBeside = ({ inputs }: Asked) => inputs.ports === "auto" || "http-port" in inputs;

/** A second `up`: what is up stays as it is. */
function leave(there: readonly Known[], last: Known, { asked, home, say }: Telling): number {
  for (const cluster of there)
    say(`Cluster ${idOf(cluster)} is up: ${cluster.outputs["http-address"]}`);
  const asks = Object.entries(asked.inputs);
  if (asks.some(([name, value]) => last.inputs[name] !== value)) {
    const flags = asks.map(([name]) => `--${name}`).join(", ");
    const replace = `To replace it, call ${home.command("down")} first`;
    console.error(
      `It stays as it is, without ${flags}. ${replace}; for a second cluster beside it, add --ports auto.`,
    );
    return 1;
  }
  show(last, asked, home);
  return 0;
}

async function start(asked: Asked, home: Home, say: (line: string) => void): Promise<number> {
  const inputs = withImage({ ...ownDefaults, ...asked.inputs }, home, say);
  const temp = mkdtempSync(join(tmpdir(), "up-"));
  const env = { GITHUB_WORKSPACE: home.workspace };
  const job = new Job({ onLine: linePrinter(say), temp, env, isDetached: true });
  const begun = { temp, given: asked.inputs, inputs };
  remember(home.records, begun);
  const step = job.start(inputs);
  const interruption = interruptible(step, say);
  const result = await step.result;
  const { state, outputs, env: variables, path } = result;
  const cluster = { ...begun, state, outputs, env: variables, path: [...path] };
  remember(home.records, cluster);
  const signal = interruption();
  if (result.exitCode === 0 && signal === undefined) {
    show(cluster, asked, home);
    return 0;
  }
  await removeFailed(job, result, { cluster, home, say });
  return signal === undefined ? (result.exitCode ?? 1) : 128 + constants.signals[signal];
}

/** Adds the image that the tests use, unless the flags set one. */
function withImage(
  inputs: Readonly<Record<string, string>>,
  home: Home,
  say: (line: string) => void,
): Record<string, string> {
  if (["image", "version", "version-file"].some((name) => name in inputs)) return inputs;
  const image = home.image();
  if (image === undefined) return inputs;
  if (isStandIn(image)) say(`Using the stand-in image ${image}`);
  return { ...inputs, image };
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Has the step canceled when this process is to end. The step is in a process group of its own, so that a
 * terminal's Ctrl-C reaches only this process, which then removes what the step has created.
 *
 * @returns tells which signal came first
 */
function interruptible(step: RunningStep, say: (line: string) => void) {
  let first: (typeof signals)[number] | undefined;
  for (const signal of signals)
    process.on(signal, () => {
      if (first === undefined) say("Canceled: removing what was started");
      first ??= signal;
      step.process.kill("SIGINT");
    });
  // A terminal that was closed takes no more lines.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  return () => first;
}

interface Failed {
  readonly cluster: Cluster;
  readonly home: Home;
  readonly say: (line: string) => void;
}

/** Runs the post step of a step that failed or was canceled. */
async function removeFailed(job: Job, result: StepResult, { cluster, home, say }: Failed) {
  // The step has shown the agents' logs; the post step of a failed job would show them again.
  job.status = "success";
  await job.post(result);
  if (!isGone(cluster)) {
    say(`Something is left of it: ${home.command("down")} tries again.`);
    return;
  }
  const { logs = "" } = cluster.outputs;
  const keepsFolder = existsSync(logs);
  if (keepsFolder) say(`Its logs are in ${logs}`);
  forget(home.records, cluster, { keepsFolder });
}

function show(cluster: Cluster, { format }: Asked, home: Home): void {
  if (format === "env") console.log(asEnv(cluster));
  else if (format === "json") console.log(asJson(cluster));
  else console.log(asText(cluster, members(cluster), home));
}

/** What the first server lists. */
function members(cluster: Cluster): string {
  const [first] = nodesOf(cluster);
  if (first === undefined) return "";
  const args = ["exec", "--env=CONSUL_HTTP_TOKEN", first.container, "consul", "members"];
  return docker(args, { CONSUL_HTTP_TOKEN: cluster.outputs["http-token"] ?? "" });
}
