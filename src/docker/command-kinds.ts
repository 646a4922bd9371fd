/** `asks` changes nothing; `creates` leaves a new object on the engine; `acts` is everything else. */
export type CommandKind = "asks" | "creates" | "acts";

/** Every docker command that asks or creates, by its first word or its first two. */
const kinds: ReadonlyMap<string, CommandKind> = new Map([
  ["version", "asks"],
  ["--version", "asks"],
  ["info", "asks"],
  ["context inspect", "asks"],
  ["image inspect", "asks"],
  ["container inspect", "asks"],
  ["network inspect", "asks"],
  ["image ls", "asks"],
  ["node ls", "asks"],
  ["manifest inspect", "asks"],
  ["ps", "asks"],
  ["network ls", "asks"],
  ["volume ls", "asks"],
  ["logs", "asks"],
  ["run", "creates"],
  ["create", "creates"],
  ["network create", "creates"],
  ["volume create", "creates"],
]);

/** @param args - a docker command, without `docker` */
export function kindOf([first = "", second = ""]: readonly string[]): CommandKind {
  return kinds.get(`${first} ${second}`) ?? kinds.get(first) ?? "acts";
}

const creating = [...kinds].flatMap(([command, kind]) => (kind === "creates" ? [command] : []));
const creatingLine = new RegExp(`\\bdocker (?:--context=\\S+ )?(?:${creating.join("|")})(?: |$)`);

/**
 * Whether the command line of a process is a docker command that creates something, possibly run
 * by a wrapper script: `/bin/sh /opt/docker run …`.
 */
export function createsSomething(commandLine: string): boolean {
  return creatingLine.test(commandLine);
}
