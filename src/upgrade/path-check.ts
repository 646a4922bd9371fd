import { byDatacenter } from "../ready/agents.ts";
import { warn } from "../runner/log.ts";
import { askOrFail, refuseDowngrade, refuseLegacyTokens } from "./refusals.ts";
import { firstOf, type UpgradeStep, type UpgradeTarget } from "./step.ts";
import { warningsFor } from "./warnings.ts";

/**
 * Checks that each datacenter can be upgraded to these versions, one after another, and warns of
 * what Consul does not support.
 *
 * @param targets - the stops, then the wanted version
 * @throws InputError if the upgrade is refused
 */
export async function checkPath(
  step: UpgradeStep,
  targets: readonly UpgradeTarget[],
): Promise<void> {
  const { spec, cluster } = step;
  const [first, last] = [targets.at(0), targets.at(-1)];
  if (!first || !last) throw new Error("an upgrade has a target");
  const running: string[] = [];
  for (const there of byDatacenter(cluster.agents).values()) {
    const agent = firstOf(there);
    const members = await askOrFail(step, agent, "members", (consul) => consul.members());
    const current = members.filter(({ isAlive }) => isAlive).map(({ version }) => version);
    refuseDowngrade(current, first.version, spec.force);
    await refuseLegacyTokens(step, agent, last.version);
    running.push(...current);
  }
  for (const { title, message } of warningsFor(running, targets)) warn(message, { title });
}
