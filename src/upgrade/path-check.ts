import { byDatacenter } from "../ready/agents.ts";
import { warn } from "../runner/log.ts";
import {
  askOrFail,
  downgradeOf,
  refuseDowngrade,
  refuseLegacyTokens,
  refuseWithoutPeering,
} from "./refusals.ts";
import { firstOf, type UpgradeStep, type UpgradeTarget } from "./step.ts";
import { warningsFor } from "./warnings.ts";

/**
 * Checks that each datacenter can be upgraded to these versions, one after another, and warns of
 * what Consul does not support.
 *
 * @param targets - the stops, then the wanted version
 * @returns whether it is a forced downgrade
 * @throws InputError if the upgrade is refused
 */
export async function checkPath(
  step: UpgradeStep,
  targets: readonly UpgradeTarget[],
): Promise<boolean> {
  const { spec, cluster } = step;
  const last = targets.at(-1);
  if (!last) throw new Error("an upgrade has a target");
  const running: string[] = [];
  for (const there of byDatacenter(cluster.agents).values()) {
    const agent = firstOf(there);
    const members = await askOrFail(step, agent, "members", (consul) => consul.members());
    running.push(...members.filter(({ isAlive }) => isAlive).map(({ version }) => version));
  }
  const versions = targets.map(({ version }) => version);
  refuseDowngrade(running, versions, spec.force);
  refuseWithoutPeering(cluster.agents, versions);
  for (const there of byDatacenter(cluster.agents).values())
    await refuseLegacyTokens(step, firstOf(there), last.version);
  for (const { title, message } of warningsFor(running, targets)) warn(message, { title });
  return downgradeOf(running, versions) !== undefined;
}
