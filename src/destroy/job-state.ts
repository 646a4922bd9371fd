/** Whether the job of a cluster is over, which only proof can tell: its runner may run other jobs. */
import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { type Labels, labelNames } from "../plan/labels.ts";
import { bootId, machine, ownContainers } from "../runner/machine.ts";
import {
  isAlive,
  jobProcessName,
  type ProcessIdentity,
  pidNamespace,
  runnerProcess,
} from "../runner/processes.ts";

/** What a step knows about the machine that it runs on. Unknown values are empty. */
export interface MachineFacts {
  readonly boot: string;
  readonly machine: string;
  readonly pidNamespace: string;
  /** Whether a process of this boot and this PID namespace still exists. */
  readonly isAlive: (process: ProcessIdentity) => boolean;
  /** IDs of those containers of jobs that are running. */
  readonly runningContainers: ReadonlySet<string>;
  /** Whether the engine is reached through a Unix socket. */
  readonly isEngineLocal: boolean;
}

/** What is known about a job, and why. */
export interface JobState {
  readonly state: "over" | "running" | "unknown";
  readonly reason: string;
}

/**
 * What the labels of a job's cluster prove about the job.
 *
 * @param theirs - labels of the cluster, with {@link proofLabels} of the step that started it
 */
export function jobState(theirs: Labels, facts: MachineFacts): JobState {
  const process = parseProcess(theirs[labelNames.runnerProcess] ?? "");
  const container = theirs[labelNames.jobContainer] ?? "";
  const boot = theirs[labelNames.boot] ?? "";
  const areBootsKnown = boot !== "" && facts.boot !== "";
  const isVisible =
    areBootsKnown && boot === facts.boot && process?.namespace === facts.pidNamespace;

  if (process && isVisible && !facts.isAlive(process)) return over("its runner process has ended");
  if (container !== "" && !facts.runningContainers.has(container))
    return over("its job container is not running anymore");
  const isSameMachine = facts.machine !== "" && theirs[labelNames.machine] === facts.machine;
  if (areBootsKnown && boot !== facts.boot && isSameMachine && facts.isEngineLocal)
    return over("the machine has been restarted");

  if (process?.name === jobProcessName && isVisible)
    return { state: "running", reason: "its runner process is running" };
  // If the runner is in the container too, the container may run many jobs.
  if (container !== "" && !process)
    return { state: "running", reason: "its job container is running" };
  return { state: "unknown", reason: "nothing proves that its job is over" };
}

const over = (reason: string): JobState => ({ state: "over", reason });

/**
 * Labels for every object of a cluster. They let later jobs prove that this one is over.
 *
 * @param container - ID of the container that {@link jobContainer} finds; empty if there is none
 */
export function proofLabels(container: string): Record<string, string> {
  const process = runnerProcess();
  const labels = {
    [labelNames.boot]: bootId(),
    [labelNames.machine]: machine(),
    [labelNames.runnerProcess]: process ? formatProcess(process, pidNamespace()) : "",
    [labelNames.jobContainer]: container,
  };
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}

/**
 * The container that this step runs in.
 *
 * @returns undefined if it runs in none, or in one of another engine (Docker-in-Docker)
 */
export async function jobContainer(docker: Docker): Promise<ContainerFacts | undefined> {
  for (const id of ownContainers()) {
    const [facts] = await docker.inspectContainers([id]);
    if (facts?.State.Running && facts.Id.startsWith(id)) return facts;
  }
  return undefined;
}

/**
 * @param clusters - labels of the clusters whose jobs are in question. They must have been read
 *   before: a container that starts later is not among the running ones
 */
export async function machineFacts(
  docker: Docker,
  clusters: readonly Labels[],
): Promise<MachineFacts> {
  const containers = clusters.map((labels) => labels[labelNames.jobContainer] ?? "");
  const [running, endpoint] = await Promise.all([
    runningContainers(docker, containers),
    docker.endpoint(),
  ]);
  return {
    boot: bootId(),
    machine: machine(),
    pidNamespace: pidNamespace(),
    isAlive,
    runningContainers: running,
    isEngineLocal: endpoint.startsWith("unix://"),
  };
}

async function runningContainers(docker: Docker, ids: readonly string[]): Promise<Set<string>> {
  const known = [...new Set(ids)].filter((id) => id !== "");
  const facts = await docker.inspectContainers(known);
  return new Set(facts.filter(({ State }) => State.Running).map(({ Id }) => Id));
}

type LabeledProcess = ProcessIdentity & { readonly namespace: string };

const formatProcess = ({ name, pid, startTime }: ProcessIdentity, namespace: string) =>
  [namespace, pid, startTime, name].join(" ");

function parseProcess(label: string): LabeledProcess | undefined {
  const [, namespace = "", pid = "", startTime = "", name = ""] =
    /^(pid:\[\d+\]) ([1-9]\d*) (\d+) (.+)$/.exec(label) ?? [];
  return pid === "" ? undefined : { namespace, pid: Number(pid), startTime, name };
}
