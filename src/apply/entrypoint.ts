import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import type { Image } from "../docker/image-reference.ts";
import { InputError, messageOf } from "../errors.ts";
import type { AgentsSpec } from "../inputs/cluster-spec.ts";
import {
  dependsOnEntrypoint,
  type Entrypoint,
  ignoredUser,
  parseEntrypoint,
  questionArguments,
} from "../plan/entrypoint.ts";
import type { Owner } from "../plan/labels.ts";
import type { StartContext } from "./start-context.ts";

/** Milliseconds. An answer takes 300; an entrypoint of the user's may wait for something. */
const patience = 20_000;

/**
 * Asks the image's entrypoint what it does with the user's variables, if anything depends on that.
 *
 * @returns undefined if nothing depends on it, or if it gave no answer; the log then says so, and
 *   the agents are started for an entrypoint like the official image's
 * @throws InputError if the user asks for what neither the entrypoint nor the action can do
 */
export async function askEntrypoint(
  { docker, log }: Pick<StartContext, "docker" | "log">,
  spec: AgentsSpec,
  { image, owner }: { readonly image: Image; readonly owner: Owner },
): Promise<Entrypoint | undefined> {
  if (!dependsOnEntrypoint(spec)) return undefined;
  const { reference } = image;
  const { said, reason } = await answer(docker, questionArguments(spec, image, owner));
  const entrypoint = parseEntrypoint(said, spec);
  if (!entrypoint) {
    log(`${reference} may ignore variables of input \`env\`: its entrypoint ${reason}`);
    return undefined;
  }
  const message = ignoredUser(spec, entrypoint, reference);
  if (message !== undefined) throw new InputError([{ input: "env", message }]);
  return entrypoint;
}

/** @returns what the container printed, or why it printed nothing of use */
async function answer(docker: Docker, args: readonly string[]) {
  const timeout = AbortSignal.timeout(patience);
  try {
    const said = await docker.within(timeout).runToEnd(args);
    return { said, reason: "does not start `consul agent`" };
  } catch (error) {
    if (error instanceof DockerError) return { said: "", reason: `failed: ${messageOf(error)}` };
    if (!timeout.aborted) throw error;
    return { said: "", reason: `has not started Consul after ${patience / 1000} s` };
  }
}
