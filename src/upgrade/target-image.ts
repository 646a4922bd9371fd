import { findImage } from "../docker/find-image.ts";
import { byDatacenter } from "../ready/agents.ts";
import { logTimed } from "../runner/log.ts";
import { versionOf } from "./image-version.ts";
import { askOrFail, refuseDowngrade, refuseLegacyTokens } from "./refusals.ts";
import { firstOf, type UpgradeStep, type UpgradeTarget } from "./step.ts";
import { upgradeImages } from "./upgrade-inputs.ts";

/**
 * Finds or pulls the image to upgrade to, and checks that each datacenter can be upgraded to it.
 *
 * @throws InputError if it isn't an image of Consul, or if the upgrade is refused
 */
export async function resolveTargetImage(step: UpgradeStep): Promise<UpgradeTarget> {
  const { docker, spec, cluster, signal } = step;
  const images = upgradeImages(spec, firstOf(cluster.agents).facts.Config.Image);
  const { reference } = await findImage({ docker, log: logTimed, signal }, images);
  const version = await versionOf(docker, reference, cluster.clusterId, spec.timeout);
  for (const there of byDatacenter(cluster.agents).values()) {
    const agent = firstOf(there);
    const members = await askOrFail(step, agent, "members", (consul) => consul.members());
    const current = members.map((member) => member.version);
    refuseDowngrade(current, version, spec.force);
    await refuseLegacyTokens(step, agent, version);
  }
  return { image: reference, version };
}
