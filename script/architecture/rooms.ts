/** The folders of `src`, from top to bottom: what each holds, and what it may import. */

/** A folder of `src`, or the one file beside them. */
export interface Room {
  /** As `src` names it. */
  readonly name: string;
  /** In a few words. */
  readonly holds: string;
  /** The rooms right below it. It may import these, and whatever lies below them. */
  readonly below: readonly string[];
}

/**
 * The one place that says how the code is laid out: a test holds `src` to it, and the picture and
 * the table in docs/architecture.md are made from it. Every arrow points down this list.
 */
export const rooms: readonly Room[] = [
  {
    name: "entry",
    holds: "what the runner starts, one file for each step, and the bundle of all of them",
    below: ["cluster", "fault", "upgrade"],
  },
  {
    name: "cluster",
    holds: "the action that starts a cluster: its main step, its post step, the state in between",
    below: ["report", "apply"],
  },
  {
    name: "fault",
    holds: "the action that breaks nodes and brings them back",
    below: ["report"],
  },
  {
    name: "upgrade",
    holds: "the action that replaces every agent by one of another version",
    below: ["report"],
  },
  {
    name: "report",
    holds: "what the job gets: outputs, environment, summary, the `consul` command, evidence",
    below: ["seed", "find"],
  },
  {
    name: "seed",
    holds: "what a cluster file declares: ACLs, keys, config entries, services",
    below: ["ready"],
  },
  {
    name: "apply",
    holds: "a plan becomes a running cluster: image, network, secrets, containers, tokens",
    below: ["destroy", "ready"],
  },
  {
    name: "find",
    holds: "a cluster that an earlier step started: its agents, who leads, who votes",
    below: ["ready"],
  },
  {
    name: "destroy",
    holds: "removal of a cluster, and of what earlier jobs left behind",
    below: ["plan"],
  },
  {
    name: "ready",
    holds: "the gates, the wait for them, and why a wait failed",
    below: ["plan"],
  },
  {
    name: "plan",
    holds: "a spec becomes a plan: names, labels, ports, agent configuration, docker arguments",
    below: ["inputs"],
  },
  {
    name: "inputs",
    holds: "inputs and cluster file become a spec: every default, every check of a value",
    below: ["docker", "consul"],
  },
  {
    name: "docker",
    holds: "the docker CLI: the one place that runs it, its answers and errors, images, ports",
    below: ["runner"],
  },
  {
    name: "consul",
    holds: "Consul's HTTP API: the one place that speaks it, its answers, versions",
    below: ["errors.ts"],
  },
  {
    name: "runner",
    holds: "GitHub's runner: log, command files, cancellation, the timeline of a step",
    below: ["errors.ts"],
  },
  { name: "errors.ts", holds: "errors that are explained to the user", below: [] },
];

/** The actions: what the runner starts. None imports another; what they share lies below them. */
export const actions: readonly string[] = rooms.find(({ name }) => name === "entry")?.below ?? [];

/** Lines of a file at most. */
export const maxLines = 300;

/** Every room that this one may import, in the order of the list. An arrow upward counts for nothing. */
export function importable(name: string, among: readonly Room[] = rooms): string[] {
  const index = among.findIndex((room) => room.name === name);
  const lower = among.slice(index + 1);
  const direct = among[index]?.below ?? [];
  const all = new Set(direct.flatMap((each) => [each, ...importable(each, lower)]));
  return lower.map((room) => room.name).filter((each) => all.has(each));
}
