/** Runs one round of the soak test: a job from its start to its last post step. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { docker } from "../bench/docker.ts";
import { engineProxy } from "../engine/proxy.ts";
import type { VersionedImage } from "../engine/versions.ts";
import { Job, type JobOptions, type RunningStep, root, type StepResult } from "../runner.ts";
import {
  describeStep,
  type Interruption,
  type LaterStep,
  type RoundPlan,
  type Signal,
  slowRequests,
  type Tampering,
} from "./draw.ts";
import { leftovers, tracesOf } from "./leftovers.ts";
import { securities } from "./shapes.ts";

export type StepKind = "start" | "fault" | "partition" | "upgrade" | "scale" | "post";

/** A step that has run. */
export interface StepRun {
  readonly kind: StepKind;
  /** `kill leader`. */
  readonly name: string;
  /** The signal it got while it ran. */
  readonly interruptedBy: Signal | undefined;
  /** Whether it had to be killed because it did not end in time. */
  readonly isStuck: boolean;
  readonly result: StepResult;
}

export interface RoundResult {
  readonly plan: RoundPlan;
  readonly steps: readonly StepRun[];
  /** One line each. */
  readonly problems: readonly string[];
}

/** The images of a round: all start with the older one, and an upgrade is to the newer one. */
export interface Images {
  readonly older: VersionedImage;
  readonly newer: VersionedImage;
}

/** Milliseconds that a step may take; an upgrade and a scale take as long as their nodes do. */
export const limits: Readonly<Partial<Record<StepKind, number>>> = {
  start: 30_000,
  fault: 30_000,
  // An agent that is alone on its side notices late: docs/faults.md, "How long a small side takes".
  partition: 90_000,
  post: 15_000,
};

/** Milliseconds from an interruption to SIGTERM and SIGKILL (actions/runner, `ProcessInvoker`). */
const escalation = { SIGTERM: 7500, SIGKILL: 10_000 } as const;
/** Milliseconds after which a step that hangs is killed, so that the soak test goes on. */
const patience = 10 * 60_000;

/** @param run - GITHUB_RUN_ID of the round's job, which no other job has */
export async function runRound(plan: RoundPlan, images: Images, run: string): Promise<RoundResult> {
  const { slowness } = plan;
  const proxy = slowness && (await engineProxy());
  if (slowness) proxy?.hold(slowRequests[slowness.requests], slowness.milliseconds);
  const env = { GITHUB_RUN_ID: run, ...(proxy && { DOCKER_HOST: proxy.host }) };
  const job = new Job({ env } satisfies JobOptions);
  try {
    const mains = await runMains(job, plan, images);
    const [start] = mains;
    if (!start) throw new Error("no step has run");
    const cluster = start.result.state["cluster-id"] ?? "";
    const traces = await tracesOf(run, [cluster]);
    if (plan.tampering) await tamper(plan.tampering, traces.containers);
    const posts = await runPosts(job, start.result, plan.postInterruption);
    // A request that the proxy still holds would create something only now.
    await sleep((slowness?.milliseconds ?? 0) + 200);
    const left = await leftovers(traces);
    const steps = [...mains, ...posts];
    return { plan, steps, problems: problemsOf(steps, left) };
  } finally {
    job.dispose();
    proxy?.cut();
  }
}

/** Runs main steps until one is interrupted or fails, as a job does. */
async function runMains(job: Job, plan: RoundPlan, images: Images): Promise<StepRun[]> {
  const { shape, security, interruption } = plan;
  const inputs = {
    ...{ image: images.older.image, "http-port": "0", "dns-port": "0", "grpc-port": "0" },
    ...shape.inputs,
    ...securities[security],
  };
  const interruptionOf = (step: number) => (interruption?.step === step ? interruption : undefined);
  const runs = [await watch("start", "start", job.start(inputs), interruptionOf(0))];
  let hit = "";
  for (const [index, step] of plan.later.entries()) {
    const last = runs.at(-1);
    if (!last || !isGood(last)) break;
    const running = startLater(job, step, images, hit);
    const done = await watch(kindOf(step), describeStep(step), running, interruptionOf(index + 1));
    hit = done.result.outputs.node ?? "";
    runs.push(done);
  }
  const last = runs.at(-1);
  if (last?.interruptedBy) job.status = "cancelled";
  return runs;
}

const kindOf = (step: LaterStep): StepKind =>
  step.kind === "fault" && step.isSide ? "partition" : step.kind;

const isGood = ({ result, interruptedBy }: StepRun) =>
  result.exitCode === 0 && interruptedBy === undefined;

/** @param hit - what the step before acted on: output `node` */
function startLater(job: Job, step: LaterStep, { newer }: Images, hit: string): RunningStep {
  if (step.kind === "upgrade") return job.start({ image: newer.image }, join(root, "upgrade"));
  const { datacenter, inputs } = step;
  if (step.kind === "scale") return job.start({ datacenter, ...inputs }, join(root, "scale"));
  const { action, isSide } = step;
  const target = step.target === "node" ? hit : step.target;
  const aim = isSide ? { groups: `${target} | others` } : { target };
  return job.start({ action, datacenter, ...aim, ...inputs }, join(root, "fault"));
}

/** Runs the post step, and again if it was interrupted. */
async function runPosts(job: Job, start: StepResult, interruption?: Interruption) {
  const run = (signal?: Interruption) => watch("post", "post", job.startPost(start), signal);
  const first = await run(interruption);
  const isComplete = first.interruptedBy === undefined && first.result.signal === null;
  return isComplete ? [first] : [first, await run()];
}

/** Waits for a step, interrupts it at the given moment, and kills it if it does not end. */
async function watch(
  kind: StepKind,
  name: string,
  { process: child, result }: RunningStep,
  interruption: Interruption | undefined,
): Promise<StepRun> {
  let interruptedBy: Signal | undefined;
  let isStuck = false;
  const timers: NodeJS.Timeout[] = [];
  const later = (milliseconds: number, act: () => void) => {
    timers.push(setTimeout(act, milliseconds));
  };
  const giveUp = () => {
    isStuck = true;
    child.kill("SIGKILL");
  };
  later(patience, giveUp);
  if (interruption)
    later(interruption.after, () => {
      // Between its exit and the end of its output, a process gets no signal.
      if (child.kill(interruption.signal)) interruptedBy = interruption.signal;
      later(escalation.SIGTERM, () => child.kill("SIGTERM"));
      later(escalation.SIGKILL, giveUp);
    });
  const ended = await result;
  for (const timer of timers) clearTimeout(timer);
  return { kind, name, interruptedBy, isStuck, result: ended };
}

async function tamper(tampering: Tampering, containers: readonly string[]): Promise<void> {
  const [first] = containers;
  if (first === undefined) return;
  if (tampering === "a container removed") await docker("rm", "--force", first);
  else {
    await docker("update", "--restart=always", first);
    // Neither a stopped nor a paused container runs commands.
    await docker("exec", first, "kill", "1").catch(() => "");
  }
}

/** What was not as it must be. Pure. */
export function problemsOf(steps: readonly StepRun[], left: readonly string[]): string[] {
  const last = steps.at(-1);
  return [
    ...steps.flatMap(stepProblems),
    ...(last && /^::warning/m.test(last.result.log) ? ["the post step warns"] : []),
    ...left.map((object) => `left behind: ${object}`),
  ];
}

function stepProblems({ kind, name, interruptedBy, isStuck, result }: StepRun): string[] {
  const { exitCode, signal, milliseconds } = result;
  const limit = limits[kind] ?? Number.POSITIVE_INFINITY;
  const took = `${name} took ${(milliseconds / 1000).toFixed(1)} s`;
  return [
    ...(isStuck
      ? [`${name} did not end by itself${interruptedBy ? ` after ${interruptedBy}` : ""}`]
      : []),
    ...(exitCode !== 0 && !interruptedBy
      ? [`${name} failed: ${signal ?? `exit code ${exitCode}`}`]
      : []),
    ...(milliseconds > limit ? [`${took}, over ${limit / 1000} s`] : []),
  ];
}
