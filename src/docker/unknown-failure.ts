import { DockerError, type DockerFailure, isEngineGone, isNotFound } from "./docker-error.ts";

/** Runs a docker command that only asks. */
type Ask = (args: readonly string[]) => Promise<string>;

/**
 * Why a command failed whose text is unknown, as newer engines and other engines have texts of
 * their own: by asking what would explain it.
 *
 * @returns `other` if nothing does
 */
export async function explainUnknown(args: readonly string[], ask: Ask): Promise<DockerFailure> {
  if (args[0] === "version") return "engine-unreachable";
  const failure = await ask(["version", "--format={{.Server.Version}}"]).then(
    () => undefined,
    (error: unknown) => error,
  );
  // Another unknown text: the CLI works, so no engine has answered.
  if (failure instanceof DockerError && isEngineGone(failure)) return failure.failure;
  if (failure !== undefined) return "engine-unreachable";
  const isMissing = await Promise.all(objectsOf(args).map((object) => misses(object, ask)));
  if (isMissing.includes(true)) return "not-found";
  if (args[0] === "pause" && (await hasNoFreezer(ask))) return "no-freezer";
  return "other";
}

/** A question about one object, and whether its answer is a listing, which is empty without it. */
interface Question {
  readonly args: readonly string[];
  readonly isListing: boolean;
}

/** What a command is about, as questions whether it exists. */
function objectsOf([command = "", verb = "", ...rest]: readonly string[]): Question[] {
  const names = rest.filter((each) => !each.startsWith("-"));
  if (command === "pull") return [{ args: ["manifest", "inspect", verb], isListing: false }];
  const list = verb === "inspect" ? listings.get(command) : undefined;
  return list ? names.map((name) => ({ args: list(name), isListing: true })) : [];
}

const listings: ReadonlyMap<string, (name: string) => string[]> = new Map([
  ["image", (name: string) => ["image", "ls", "--quiet", name]],
  ["container", (name: string) => ["ps", "--all", "--quiet", `--filter=name=^${name}$`]],
  ["network", (name: string) => ["network", "ls", "--quiet", `--filter=name=^${name}$`]],
]);

/** Whether an object does not exist. A question that fails for another reason proves nothing. */
function misses({ args, isListing }: Question, ask: Ask): Promise<boolean> {
  return ask(args).then((answer) => isListing && answer.trim() === "", isNotFound);
}

/**
 * Whether the engine runs containers without control groups, and so without the freezer: a rootless
 * engine on a machine with version 1 of control groups, or without a delegated part of version 2.
 */
async function hasNoFreezer(ask: Ask): Promise<boolean> {
  const format = "--format={{.CgroupDriver}} {{.CgroupVersion}} {{json .SecurityOptions}}";
  const answer = await ask(["info", format]).catch(() => "");
  return /^none /.test(answer) || /^\S+ 1 .*rootless/.test(answer);
}
