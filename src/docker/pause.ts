import type { Cli } from "./cli.ts";
import { DockerError } from "./docker-error.ts";

/** How often a container is paused until the engine manages to freeze it. */
const maxAttempts = 10;

/**
 * Pauses a container. With version 1 of control groups, freezing one is a game of chances on a busy
 * machine, as runc says (libcontainer's freezer.go): it gives up after 1000 attempts, and lets the
 * processes run on. Seen once, at a load of 40 on 2 cores.
 */
export async function pauseContainer(cli: Cli, container: string, attempt = 1): Promise<void> {
  try {
    await cli.run(["pause", container]);
  } catch (error) {
    const isChance = error instanceof DockerError && error.failure === "not-frozen";
    if (!isChance || attempt === maxAttempts) throw error;
    await pauseContainer(cli, container, attempt + 1);
  }
}
