import { ActionError } from "../errors.ts";

/** What a docker command failed of, as far as callers act differently on it. */
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
  | "other";

/**
 * The docker CLI gives an exit code (mostly 1 or 125) and a text, nothing else. These are the
 * texts of CLI and engine 20.10 to 28; the first row that matches names the failure.
 */
const failures: readonly (readonly [DockerFailure, RegExp])[] = [
  ["access-denied", /permission denied while trying to connect to the docker/i],
  [
    "engine-unreachable",
    /cannot connect to the docker daemon|error during connect|unexpected EOF|: EOF$|connection reset by peer/i,
  ],
  ["port-taken", /port is already allocated|address already in use|failed to bind host port/i],
  ["network-in-use", /has active endpoints/i],
  ["disk-full", /no space left on device|disk quota exceeded/i],
  [
    "not-found",
    /manifest unknown|manifest for .* not found|repository does not exist|repository name not known|no such (image|container|network|volume|object)|could not find the file|network .* not found/i,
  ],
];

/** The same for `docker pull`, where the registry may be to blame. Looked at first. */
const pullFailures: typeof failures = [
  ["rate-limited", /toomanyrequests|too many requests|rate limit/i],
  ["wrong-platform", /no matching manifest for|does not match the specified platform/i],
  ["engine-unreachable", /cannot connect to the docker daemon|error during connect/i],
  ["not-found", /manifest unknown|manifest for .* not found|repository name not known/i],
  // Whatever may pass by itself: the engine's words for a registry that can't be reached, breaks
  // off or fails.
  [
    "registry-unreachable",
    /http status: 5\d\d|50[0234] |\bEOF\b|connection (reset|refused)|broken pipe|tls handshake timeout|i\/o timeout|context deadline exceeded|request canceled|temporary failure|no such host|server misbehaving|network is unreachable|no route to host|unknown blob|layer verification failed/i,
  ],
];

/** A docker command that failed. */
export class DockerError extends ActionError {
  override readonly name = "DockerError";
  readonly failure: DockerFailure;
  /** What the CLI said on its standard error. */
  readonly said: string;

  constructor(failure: DockerFailure, command: string, said: string) {
    super(
      titles[failure] ?? "Docker failed",
      `\`docker ${command}\` failed: ${said}${advice[failure] ?? ""}`,
    );
    this.failure = failure;
    this.said = said;
  }
}

/** Whether something failed because there is no engine, or none that may be asked. */
export function isEngineGone(error: unknown): boolean {
  const gone: readonly DockerFailure[] = ["cli-missing", "engine-unreachable", "access-denied"];
  return error instanceof DockerError && gone.includes(error.failure);
}

const titles: Partial<Record<DockerFailure, string>> = {
  "cli-missing": "There is no docker CLI",
  "engine-unreachable": "The Docker engine does not answer",
  "access-denied": "The Docker engine denies access",
  "rate-limited": "The registry limits pulls",
  "registry-unreachable": "The registry can't be reached",
  "wrong-platform": "The image is made for another platform",
  "disk-full": "A disk of the Docker engine is full",
};

const advice: Partial<Record<DockerFailure, string>> = {
  "cli-missing":
    "\nThis action starts Consul in containers and needs the docker CLI on the PATH of the runner: use a runner that has Docker (GitHub's Linux runners do), or install it in an earlier step.",
  "engine-unreachable":
    "\nThe docker CLI is there, but no engine answers it. Start the engine, or point DOCKER_HOST or the docker context at one that runs.",
  "access-denied":
    "\nThe runner's user may not use the Docker engine: add it to the group `docker`, or use a rootless engine.",
  "rate-limited":
    "\nThe registry limits how much is pulled without a login. Log in before this step (docker/login-action), name another registry by `image`, or pull the image on the runner beforehand.",
  "registry-unreachable":
    "\nThe registry could not be reached or broke off. Run the job again; if it stays so, look at the registry's status page, and at the proxy and DNS of the engine.",
  "wrong-platform":
    "\nThe image is not made for the platform of this engine. Name an image or a version that is.",
  "disk-full":
    "\nA disk of the Docker engine is full: free some of it, for example by `docker system prune`, or use a runner with a larger one.",
};

export function dockerError(
  args: readonly string[],
  cause: Error | undefined,
  stderr: string,
  exitCode: number | null,
): DockerError {
  const command = args.slice(0, args[1]?.startsWith("-") ? 1 : 2).join(" ");
  if (cause) {
    const isMissing = "code" in cause && (cause.code === "ENOENT" || cause.code === "EACCES");
    return new DockerError(isMissing ? "cli-missing" : "other", command, `${cause.message}.`);
  }
  const said = stderr.replace(/\n+Run 'docker .*' for more information\n*$/, "").trim();
  return new DockerError(failureOf(args, said), command, said || `it ended with code ${exitCode}.`);
}

/**
 * What a docker command failed of.
 *
 * @param args - the command
 * @param said - what it said on its standard error
 */
export function failureOf([command]: readonly string[], said: string): DockerFailure {
  const rows = command === "pull" ? [...pullFailures, ...failures] : failures;
  return rows.find(([, pattern]) => pattern.test(said))?.[0] ?? "other";
}
