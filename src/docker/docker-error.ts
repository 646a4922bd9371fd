import { ActionError } from "../errors.ts";

/** Why a docker command failed, as far as callers need to know. */
export type DockerFailure =
  | "cli-missing"
  | "engine-unreachable"
  | "access-denied"
  | "port-taken"
  | "rate-limited"
  | "registry-unreachable"
  | "wrong-platform"
  | "not-found"
  | "disk-full"
  | "network-in-use"
  | "swarm-network-in-use"
  | "no-free-subnet"
  | "unexpected-output"
  | "no-freezer"
  | "not-frozen"
  | "no-host-gateway"
  | "other";

type Rows = readonly (readonly [DockerFailure, RegExp])[];

/**
 * No engine. From 29.0 on, moby's client (client/request.go) says "failed to connect to the docker API",
 * and its text for a missing permission has "docker API" in place of "Docker daemon socket".
 */
const engineFailures: Rows = [
  ["access-denied", /permission denied while trying to connect to the docker/i],
  [
    "engine-unreachable",
    /cannot connect to the docker daemon|error during connect|failed to connect to the docker api|TLS-enabled daemon without TLS|has client authentication \(--tlsverify\) enabled/i,
  ],
];

/**
 * The docker CLI gives only an exit code (mostly 1 or 125) and a text. These are the texts of CLI
 * and engine 20.10 to 29, and of podman 4 and 5 behind the same CLI. The first row that matches
 * counts. A text that none of them matches is looked into (unknown-failure.ts).
 */
const failures: Rows = [
  ...engineFailures,
  ["engine-unreachable", /unexpected EOF|: EOF$|connection reset by peer/i],
  ["port-taken", /port is already allocated|address already in use|failed to bind host port/i],
  // Docker without its default bridge; podman before 4.7; podman that finds no address.
  ["no-host-gateway", /\bhost-gateway\b/i],
  // A swarm's networks are in use until no node has a container there.
  ["swarm-network-in-use", /is in use by task/i],
  ["network-in-use", /has active endpoints|network is being used/i],
  [
    "no-free-subnet",
    /non-overlapping IPv4 address pool|predefined address pools have been fully subnetted|could not find free subnet/i,
  ],
  ["disk-full", /no space left on device|disk quota exceeded/i],
  [
    "not-found",
    /manifest unknown|manifest for .* not found|repository does not exist|repository name not known|no such (image|container|network|volume|object|manifest)|could not find the file|network .* not found|network not found/i,
  ],
];

/** More rows for single commands. They come first. */
const failuresOf: ReadonlyMap<string, Rows> = new Map<string, Rows>([
  [
    // It may also fail because of the registry. With containerd's image store the texts are
    // containerd's (core/remotes/docker/resolver.go): Docker 29 has it by default.
    "pull",
    [
      ["rate-limited", /toomanyrequests|too many requests|rate limit/i],
      [
        "wrong-platform",
        /no matching manifest for|no match for platform in manifest|does not match the specified platform|no image found in (image index|manifest list) for/i,
      ],
      ...engineFailures,
      [
        "not-found",
        /manifest unknown|manifest for .* not found|repository name not known|failed to resolve reference "[^"]*": \S+: not found|access to the resource is denied/i,
      ],
      // What may go away by itself: a registry that is down, or a connection that breaks.
      [
        "registry-unreachable",
        /http status: 5\d\d|50[0234] |\bEOF\b|connection (reset|refused)|broken pipe|tls handshake timeout|i\/o timeout|context deadline exceeded|request canceled|temporary failure|no such host|server misbehaving|network is unreachable|no route to host|unknown blob|layer verification failed/i,
      ],
    ],
  ],
  // Docker, rootless, on a machine with version 1 of control groups.
  [
    "pause",
    [
      ["no-freezer", /cgroups not configured for container/i],
      ["not-frozen", /unable to freeze/i],
    ],
  ],
  // Podman's text for a file or folder that does not exist.
  ["cp", [...engineFailures, ["not-found", /no such file or directory/i]]],
]);

/** A docker command that failed. */
export class DockerError extends ActionError {
  override readonly name = "DockerError";
  readonly failure: DockerFailure;
  /** As messages name it: `network create`. */
  readonly command: string;
  /** The CLI's standard error. */
  readonly said: string;

  /** @param command - as messages name it, with the engine if it is not the one in use */
  constructor(failure: DockerFailure, command: string, said: string) {
    super(
      titles[failure] ?? "Docker failed",
      `\`docker ${command}\` failed: ${said}${advice[failure] ?? ""}`,
    );
    this.failure = failure;
    this.command = command;
    this.said = said;
  }
}

/** Whether something failed because no engine can be reached. */
export function isEngineGone(error: unknown): boolean {
  const gone: readonly DockerFailure[] = ["cli-missing", "engine-unreachable", "access-denied"];
  return error instanceof DockerError && gone.includes(error.failure);
}

/** Whether a command failed because what it is about does not exist. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof DockerError && error.failure === "not-found";

const titles: Partial<Record<DockerFailure, string>> = {
  "cli-missing": "docker CLI not found",
  "engine-unreachable": "Docker engine not reachable",
  "access-denied": "Docker engine: permission denied",
  "rate-limited": "Pull rate limit reached",
  "registry-unreachable": "Registry not reachable",
  "wrong-platform": "Image is for another platform",
  "disk-full": "No disk space left on the Docker engine",
  "no-free-subnet": "No address range left for a network",
  "unexpected-output": "Unexpected output of docker",
  "no-freezer": "This engine can't pause containers",
  "not-frozen": "The container could not be paused",
};

const advice: Partial<Record<DockerFailure, string>> = {
  "cli-missing":
    "\nThis action starts Consul in containers and needs the docker CLI on the PATH of the runner: use a runner that has Docker (GitHub's Linux runners do), or install it in an earlier step.",
  "engine-unreachable":
    "\nThe docker CLI works, but no engine answers. Start the engine, or point DOCKER_HOST or the docker context at a running one.",
  "access-denied":
    "\nThe runner's user is not allowed to use the Docker engine: add it to the `docker` group, or use a rootless engine.",
  "rate-limited":
    "\nThe registry limits pulls without a login. Log in before this step (docker/login-action), set `image` to one in another registry, or pull the image onto the runner beforehand.",
  "registry-unreachable":
    "\nThe registry could not be reached, or the connection broke. Rerun the job; if it fails again, check the registry's status page, and the engine's proxy and DNS settings.",
  "wrong-platform":
    "\nThe image does not support this engine's platform. Use an image or a version that does.",
  "disk-full":
    "\nThe Docker engine has no disk space left: free some, for example with `docker system prune`, or use a runner with a larger disk.",
  "swarm-network-in-use":
    "\nThe swarm's network is in use as long as any machine has a container on it, or can't say that it has none. Once that machine is back in the swarm, the network can be removed.",
  "no-free-subnet":
    "\nEvery address range that the Docker engine has for networks is in use. Remove unused networks (`docker network prune`), add ranges (`default-address-pools` in the engine's daemon.json), or set `network` to an existing network.",
  "unexpected-output":
    "\nIf `docker` is a wrapper script on this runner, it must print nothing of its own to standard output.",
  "no-freezer":
    "\nPausing needs control groups, and this rootless engine runs containers without them. Use an engine that runs as root, or a machine with cgroup v2 on which systemd delegates controllers to the user; or use another action: `kill`, or `isolate`.",
  "not-frozen":
    "\nWith version 1 of control groups, the kernel often can't freeze a container on a busy machine. Use a machine with cgroup v2, or one with less to do; or use another action: `kill`, or `isolate`.",
};

/** How messages name a command: `network create`, `ps`. */
function commandName(args: readonly string[]): string {
  return args.slice(0, args[1]?.startsWith("-") ? 1 : 2).join(" ");
}

/** A command that ran and failed. @param exitCode - null after a signal */
export function commandFailed(
  args: readonly string[],
  stderr: string,
  exitCode: number | null,
): DockerError {
  const said = stderr.replace(/\n+Run 'docker .*' for more information\n*$/, "").trim();
  const otherwise = exitCode === null ? "it was killed." : `it exited with code ${exitCode}.`;
  return new DockerError(failureOf(args, said), commandName(args), said || otherwise);
}

/** A command that could not be started. @param cause - from Node or from the toolkit */
export function commandNotStarted(args: readonly string[], cause: Error): DockerError {
  const isMissing =
    ("code" in cause && (cause.code === "ENOENT" || cause.code === "EACCES")) ||
    cause.message.startsWith("Unable to locate executable file");
  return isMissing
    ? new DockerError(
        "cli-missing",
        commandName(args),
        "`docker` is not an executable on the PATH.",
      )
    : new DockerError("other", commandName(args), `${cause.message}.`);
}

/** A question without an answer. @param patience - milliseconds */
export function notAnswered(args: readonly string[], patience: number): DockerError {
  const said = `no answer within ${patience / 1000} s.`;
  return new DockerError("engine-unreachable", commandName(args), said);
}

/**
 * Why a docker command failed, as far as its text is known.
 *
 * @param args - the command
 * @param said - its standard error
 */
export function failureOf([command = ""]: readonly string[], said: string): DockerFailure {
  const rows = [...(failuresOf.get(command) ?? []), ...failures];
  return rows.find(([, pattern]) => pattern.test(said))?.[0] ?? "other";
}
