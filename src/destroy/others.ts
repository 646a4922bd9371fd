import { counted } from "../errors.ts";
import { processMark } from "../plan/labels.ts";
import { logTimed, warn } from "../runner/log.ts";
import { removalCommand } from "./destroy.ts";
import { type Ended, endOrphans, endSteps } from "./orphans.ts";
import type { ToRemove } from "./several-engines.ts";

/** Milliseconds for a step to end once it is asked to. It lets its docker commands finish. */
const stepPatience = 8000;
/** Milliseconds for docker commands of a killed step to end on their own. */
const orphanPatience = 10_000;

/**
 * Ends what other steps of a cluster left running, which could create something behind the back of
 * its removal. Limits of its own keep it within the removing step's. Warns of what did not end.
 *
 * @param folder - with the records of the cluster's steps
 * @returns whether there was anything to end
 */
export async function endOthers(cluster: ToRemove, folder: string): Promise<boolean> {
  const steps = await endSteps(folder, stepPatience);
  if (steps.count > 0) logTimed(`${counted(steps.count, "step")} still running: ended`);
  warnOfStuck(cluster, steps);
  const commands = await endOrphans(processMark(cluster.clusterId), orphanPatience);
  if (commands.count > 0)
    logTimed(`${counted(commands.count, "docker command")} of a killed step ended`);
  warnOfStuck(cluster, commands);
  return [steps, commands].some(({ count, stuck }) => count + stuck.length > 0);
}

/** Characters of a command that a warning shows. */
const maxCommand = 200;

function warnOfStuck({ clusterId, engines }: ToRemove, { stuck }: Ended): void {
  for (const { pid, command } of stuck)
    warn(
      `Process ${pid} of an earlier step did not end, not even after SIGKILL: ${command.trim().slice(0, maxCommand)}\nIt may still create something. To remove what is left: ${removalCommand(clusterId, engines)}`,
      { title: `Cluster ${clusterId}: a process is still running` },
    );
}
