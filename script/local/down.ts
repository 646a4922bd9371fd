/** Removes clusters that `up` started: runs the post step of each. */
import * as z from "zod";
import { commandLine } from "../command-line.ts";
import { linePrinter } from "../print.ts";
import { Job, root } from "../runner.ts";
import { forget, idOf, isGone, type Known, remember, remembered } from "./clusters.ts";
import { DockerFailure } from "./docker.ts";
import type { Home } from "./home.ts";

/**
 * @param args - the words after the command
 * @returns the exit code
 */
export async function down(home: Home, args: readonly string[]): Promise<number> {
  const command = home.command("down");
  const { id } = commandLine(
    {
      command,
      about: "removes the clusters that up started",
      values: z.object({
        id: z.string().optional().describe("ID of the only cluster to remove (default: all)"),
      }),
      positional: ["id"],
    },
    args,
  );
  const there = remembered(home.records);
  const chosen = there.filter((cluster) => id === undefined || idOf(cluster) === id);
  if (chosen.length === 0 && id !== undefined) {
    const known = there.map(idOf).filter((each) => each !== "");
    console.error(
      `No cluster ${id} is up${known.length > 0 ? `: there are ${known.join(", ")}` : ""}.`,
    );
    return 1;
  }
  if (chosen.length === 0) console.log("Nothing is up.");
  let exitCode = 0;
  for (const cluster of chosen) if (!(await remove(cluster, home))) exitCode = 1;
  return exitCode;
}

async function remove({ file: _, ...cluster }: Known, home: Home): Promise<boolean> {
  const { inputs, state, temp } = cluster;
  // A post step empties the file that the state may come from.
  remember(home.records, cluster);
  const job = new Job({ onLine: linePrinter(console.log), temp });
  await job.post({ action: root, inputs, state });
  try {
    if (!isGone(cluster)) return false;
  } catch (error) {
    if (!(error instanceof DockerFailure)) throw error;
    console.error(error.message);
    return false;
  }
  forget(home.records, cluster);
  return true;
}
