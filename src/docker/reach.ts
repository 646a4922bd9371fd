/** Reaching several engines, of which some may not answer. */
import type { SwarmFacts } from "./answers.ts";
import type { Docker } from "./docker.ts";
import { DockerError } from "./docker-error.ts";
import { Engines, type Member } from "./engines.ts";

/** What an engine says of its swarm, or why it does not answer. */
export type SwarmAnswer =
  | { readonly member: Member; readonly swarm: SwarmFacts }
  | { readonly member: Member; readonly failure: DockerError };

/** An engine that does not answer, and why. */
export interface SilentEngine {
  /** Name of its docker context. */
  readonly name: string;
  readonly reason: string;
}

/**
 * Asks engines what they know of their swarm, all at once.
 *
 * @param engine - any of them
 * @param names - docker contexts
 */
export function askSwarms(engine: Docker, names: readonly string[]): Promise<SwarmAnswer[]> {
  return Promise.all(names.map((name) => askSwarm({ name, engine: engine.on(name) })));
}

async function askSwarm(member: Member): Promise<SwarmAnswer> {
  try {
    return { member, swarm: await member.engine.swarm() };
  } catch (failure) {
    if (!(failure instanceof DockerError)) throw failure;
    return { member, failure };
  }
}

/**
 * A cluster's engines as one, without asking any of them: for callers that then ask which are {@link reachable}.
 *
 * @param engine - the job's own
 * @param names - docker contexts, the job's own first; empty for the one in use
 */
export function enginesNamed(engine: Docker, [first, ...others]: readonly string[]): Docker {
  if (first === undefined) return engine;
  const member = (name: string): Member => ({ name, engine: engine.on(name) });
  return new Engines([member(first), ...others.map(member)], first);
}

/**
 * Those of several engines that answer, as one. If no manager is among them, the first stands in for it:
 * it knows the swarm's networks that it has containers on. One engine alone is not asked.
 *
 * @returns the same, and nothing of what is silent, if none answers: what is asked of it then says why
 */
export async function reachable(
  docker: Docker,
): Promise<{ readonly docker: Docker; readonly silent: readonly SilentEngine[] }> {
  if (!(docker instanceof Engines)) return { docker, silent: [] };
  const answers = await Promise.all(docker.members.map(askSwarm));
  const [first, ...others] = answers.flatMap((each) => ("swarm" in each ? [each] : []));
  const silent = answers.flatMap((each) =>
    "failure" in each ? [{ name: each.member.name, reason: each.failure.message }] : [],
  );
  if (!first) return { docker, silent: [] };
  const manager = [first, ...others].find(({ swarm }) => swarm.isManager) ?? first;
  const members = [first.member, ...others.map(({ member }) => member)] as const;
  return { docker: new Engines(members, manager.member.name), silent };
}
