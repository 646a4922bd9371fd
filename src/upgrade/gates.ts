import { isSameVersion } from "../consul/version-number.ts";
import type { FoundAgent } from "../find/existing-cluster.ts";
import { ask, linesOf, servers } from "../ready/agents.ts";
import { everyoneNames, type Gate, raftIsSettled, readyGates } from "../ready/gates.ts";
import type { WriteProbe } from "./write-probe.ts";

/** What must hold before the next node is upgraded. */
export function upgradedGates(agent: FoundAgent, version: string, probe: WriteProbe): Gate[] {
  const runsVersion: Gate = {
    name: `every server sees ${agent.node} run version ${version}`,
    look: async (agents) => {
      const answers = await ask(servers(agents), async (consul) =>
        (await consul.members())
          .filter((member) => isSameVersion(member.version, version))
          .map(({ node }) => node),
      );
      return everyoneNames([agent], answers, `on ${version}`);
    },
  };
  return [
    ...readyGates,
    raftIsSettled([]),
    runsVersion,
    autopilotIsHealthy,
    noWriteLost(probe),
    servicesAreBack(agent),
    metadataIsBack(agent),
  ];
}

const autopilotIsHealthy: Gate = {
  name: "autopilot reports every server healthy",
  look: async (agents) => {
    const answers = await ask(servers(agents).slice(0, 1), (consul) =>
      consul.operator.autopilotIsHealthy(),
    );
    const failing = linesOf(answers, (answer) => (answer === true ? [] : [`${answer}`]));
    return { status: `autopilot ${failing.length === 0 ? "" : "un"}healthy`, failing };
  },
};

const noWriteLost = (probe: WriteProbe): Gate => ({
  name: "the last acknowledged write can be read through every agent",
  look: async (agents) => {
    const wanted = probe.acknowledged;
    const answers = await ask(agents, (consul) => consul.kv.get(probe.key));
    const failing = linesOf(answers, (answer) =>
      Number(answer) >= wanted ? [] : [`read write ${answer}, expected ${wanted}`],
    );
    return { status: failing.length === 0 ? "no write lost" : "writes missing", failing };
  },
});

// A client agent removes its services from the catalog when it stops, and adds them again up to 3 s
// after its start. The next agent must not be stopped in between.
const servicesAreBack = (agent: FoundAgent): Gate => ({
  name: `every service of ${agent.node} is in the catalog`,
  look: async () => {
    const answers = await ask([agent], (consul) => consul.unsyncedServices(agent.node));
    const failing = linesOf(answers, (ids) =>
      ids.map((id) => `service ${id} is not in the catalog`),
    );
    return { status: failing.length === 0 ? "services in catalog" : "services missing", failing };
  },
});

// So does its node's metadata.
const metadataIsBack = (agent: FoundAgent): Gate => ({
  name: `the metadata of ${agent.node} is in the catalog`,
  look: async () => {
    const answers = await ask([agent], (consul) => consul.unsyncedMeta(agent.node));
    const failing = linesOf(answers, (keys) => keys.map((key) => `${key} is not in the catalog`));
    return { status: failing.length === 0 ? "metadata in catalog" : "metadata missing", failing };
  },
});
