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
    holds: "what the runner starts: one file per step, and the bundle of all steps",
    below: ["cluster", "fault", "upgrade", "scale", "wait", "logs", "remove"],
  },
  {
    name: "cluster",
    holds:
      "the action that starts a cluster: its main step, its post step, and the state between them",
    below: ["report", "apply"],
  },
  {
    name: "fault",
    holds: "the action that breaks nodes and brings them back",
    below: ["report"],
  },
  {
    name: "upgrade",
    holds: "the action that replaces every agent with one of another version",
    below: ["report"],
  },
  {
    name: "scale",
    holds: "the action that adds and removes nodes, one at a time",
    below: ["report", "apply"],
  },
  {
    name: "wait",
    holds: "the action that waits until every agent sees what the job does",
    below: ["find"],
  },
  {
    name: "logs",
    holds: "the action that saves the logs and the state of a cluster for a later step",
    below: ["report"],
  },
  {
    name: "remove",
    holds: "the action that removes a cluster while the job goes on",
    below: ["report", "destroy"],
  },
  {
    name: "report",
    holds: "what the job gets: outputs, environment, summary, the `consul` command, logs",
    below: ["seed", "find"],
  },
  {
    name: "seed",
    holds: "applying the contents of a cluster file: ACLs, keys, config entries, services",
    below: ["ready"],
  },
  {
    name: "apply",
    holds: "turning a plan into a running cluster: image, network, secrets, containers, tokens",
    below: ["destroy", "ready"],
  },
  {
    name: "find",
    holds: "finding a cluster that an earlier step started: its agents, its leader, its voters",
    below: ["ready"],
  },
  {
    name: "destroy",
    holds: "removing a cluster, and clusters that earlier jobs left behind",
    below: ["plan"],
  },
  {
    name: "ready",
    holds:
      "the gates, the wait for them, the explanation when a wait fails, and the version of an image",
    below: ["plan"],
  },
  {
    name: "plan",
    holds:
      "turning a spec into a plan: names, labels, ports, agent configuration, docker arguments",
    below: ["inputs"],
  },
  {
    name: "inputs",
    holds: "turning inputs and cluster file into a spec: defaults and validation",
    below: ["docker", "consul"],
  },
  {
    name: "docker",
    holds: "the only code that runs the docker CLI: its answers and errors, images, ports",
    below: ["runner"],
  },
  {
    name: "consul",
    holds: "the only code that calls Consul's HTTP API: its answers, comparing versions",
    below: ["errors.ts"],
  },
  {
    name: "runner",
    holds:
      "GitHub's runner (log, command files, cancellation) and helpers for concurrency, polling, and timing",
    below: ["errors.ts"],
  },
  { name: "errors.ts", holds: "the errors that users see", below: [] },
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
