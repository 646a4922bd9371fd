import type { FeatureGate } from "../consul/answers.ts";
import { InputError, type Problem } from "../errors.ts";
import type { DeclaredGate } from "../inputs/seeds.ts";
import { nearest, placeText } from "../inputs/wording.ts";
import { type AgentClient, byDatacenter, servers } from "../ready/agents.ts";
import { type Seeding, untilNothingIsMissing, type Write } from "./progress.ts";

/**
 * Turns feature gates on or off in every datacenter, and waits until this has its effect on every server.
 * They are set by the API and not in the servers' configuration: Consul reads that only if it has no
 * gates yet, and a server of an older version would not start with it.
 *
 * @throws InputError if Consul has no such gate
 * @throws ActionError if a gate has no effect in time
 */
export async function seedFeatureGates(
  gates: readonly DeclaredGate[],
  agents: readonly AgentClient[],
  seeding: Seeding,
  write: Write,
): Promise<void> {
  if (gates.length === 0) return;
  const datacenters = [...byDatacenter(servers(agents)).values()];
  await Promise.all(datacenters.map((there) => setGates(gates, there, seeding, write)));
}

async function setGates(
  gates: readonly DeclaredGate[],
  there: readonly AgentClient[],
  seeding: Seeding,
  write: Write,
): Promise<void> {
  const [first] = there;
  if (!first) return;
  const { node, consul } = first;
  let known: FeatureGate[] | undefined = [];
  await untilNothingIsMissing(
    async () => {
      known = await consul.operator.featureGates();
      return known?.length === 0 ? "it has none yet" : undefined;
    },
    seeding,
    (missing) => `${node} was asked for the feature gates, but ${missing}.`,
  );
  const problems = known ? unknownGates(gates, known) : gates.map(noGates);
  if (problems.length > 0) throw new InputError(problems);
  for (const declared of gates) {
    const { gate, isEnabled } = declared;
    if (known?.find(({ Name }) => Name === gate)?.DesiredEnabled === isEnabled) continue;
    if (!(await write(declared, () => consul.operator.setFeatureGate(gate, isEnabled)))) return;
  }
  await untilNothingIsMissing(
    () => withoutEffect(gates, there),
    seeding,
    (missing) => `Not every feature gate has its effect: ${missing}.`,
  );
}

/** A build of a version that should have feature gates, such as a development version, may have none. */
const noGates = ({ name, place }: DeclaredGate): Problem => ({
  input: "cluster",
  place,
  message: `${placeText(place)}: \`${name}\` can't be set: this Consul has no feature gates.`,
});

/** Gates that Consul does not have. */
function unknownGates(
  gates: readonly DeclaredGate[],
  known: readonly Pick<FeatureGate, "Name">[],
): Problem[] {
  const names = known.map(({ Name }) => Name);
  return gates
    .filter(({ gate }) => !names.includes(gate))
    .map(({ name, place, gate }) => {
      const near = nearest(gate, names);
      const advice =
        near === undefined ? `its gates are ${names.join(", ")}.` : `did you mean \`${near}\`?`;
      const message = `${placeText(place)}: \`${name}\` is no feature gate of this Consul; ${advice}`;
      return { input: "cluster", place, message };
    });
}

/** @returns the first gate that some server does not see as declared, and why; undefined if all do */
async function withoutEffect(
  gates: readonly DeclaredGate[],
  there: readonly AgentClient[],
): Promise<string | undefined> {
  for (const { node, consul } of there) {
    const seen = (await consul.operator.featureGates()) ?? [];
    for (const { gate, isEnabled } of gates) {
      const found = seen.find(({ Name }) => Name === gate);
      if (found?.EffectiveEnabled === isEnabled) continue;
      const reason = found?.Reason ? ` (${found.Reason})` : "";
      return `on ${node}, \`${gate}\` is ${found?.EffectiveEnabled ? "on" : "off"}${reason}`;
    }
  }
  return undefined;
}
