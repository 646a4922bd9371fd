import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { writing } from "../report/runner-folder.ts";
import { logTimed } from "../runner/log.ts";
import { askOrFail } from "./refusals.ts";
import type { UpgradeStep } from "./step.ts";

/**
 * Saves a snapshot of an agent's datacenter.
 *
 * @param key - is written first: Raft takes no snapshot while its last entry is a change of its own
 *   configuration
 * @returns the file's path; only this user may read the file, since it contains all of the
 *   cluster's secrets
 */
export async function saveSnapshot(
  step: UpgradeStep,
  agent: FoundAgent,
  key: string,
): Promise<string> {
  const { spec, cluster } = step;
  await askOrFail(step, agent, "a write", (consul) =>
    consul.kv.set({ key, value: Buffer.from("0") }),
  );
  const name = `consul-${cluster.clusterId}-${agent.datacenter}-${Date.now()}.snap`;
  const file = join(process.env.RUNNER_TEMP ?? tmpdir(), name);
  const snapshot = await askOrFail(step, agent, "a snapshot", (consul) =>
    consul.operator.snapshot(spec.timeout),
  );
  await writing(file, () => writeFile(file, snapshot, { mode: 0o600 }));
  logTimed(`Snapshot: ${file}`);
  return file;
}
