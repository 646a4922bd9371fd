/** The engines that a cluster is on. */
import type { Docker } from "../docker/docker.ts";
import type { Engine } from "../docker/engine.ts";
import { Engines } from "../docker/engines.ts";
import { enginesNamed, reachable } from "../docker/reach.ts";
import { ActionError } from "../errors.ts";

/**
 * All engines of a cluster, as one.
 *
 * @param engine - the job's own
 * @param names - their docker contexts, as the cluster's labels have them; empty if it is on one
 * @returns undefined if it is on one engine
 * @throws ActionError if one of several does not answer
 */
export async function severalEngines(
  engine: Engine,
  names: readonly string[],
): Promise<Engines | undefined> {
  const { docker, silent } = await reachable(enginesNamed(engine, names));
  if (silent.length > 0)
    throw new ActionError(
      "An engine of the cluster does not answer",
      [
        `The cluster is on ${names.length} engines (${names.join(", ")}), and this step needs all of them. Bring back those that don't answer, and run it again.`,
        ...silent.map(({ name, reason }) => `${name}: ${reason}`),
      ].join("\n"),
    );
  return docker instanceof Engines ? docker : undefined;
}

/**
 * The engine or engines of a cluster that was found, for a step's own commands.
 *
 * @param engine - the job's own, with the signal and the marks that the commands are to have
 */
export const dockerOf = (engine: Engine, { engines }: { readonly engines?: Engines }): Docker =>
  engines?.through(engine) ?? engine;
