import type { Declared, DeclaredGate, DeclaredKey, Seeds } from "../inputs/seeds.ts";
import type { AgentPlan } from "../plan/plan.ts";
import { isObject, textField } from "../seed/declared.ts";
import type { seedKinds } from "../seed/seed.ts";
import { registrationAgent } from "../seed/services.ts";
import { codeSpan, firstOfMany, table } from "./markdown.ts";

/** Names of each kind that the table has. */
const maxNames = 8;

/** What each object of a kind is called. */
type NamesOfKinds = Readonly<Record<keyof ReturnType<typeof seedKinds>, readonly string[]>>;

/**
 * The names of everything that a cluster file declares: no values of keys, no rules, and of tokens
 * neither of their IDs that could be a secret.
 */
function seededNames(seeds: Seeds, agents: readonly AgentPlan[]): NamesOfKinds {
  const named = (list: readonly Declared[]) => list.map(({ value }) => textField(value, "Name"));
  return {
    "feature gates": seeds.featureGates.map(gateText),
    policies: named(seeds.policies),
    roles: named(seeds.roles),
    "auth methods": named(seeds.authMethods),
    "binding rules": seeds.bindingRules.map(ruleText),
    tokens: seeds.tokens.map(({ value }) => textField(value, "Description")),
    keys: seeds.kv.map(({ key }: DeclaredKey) => key),
    "config entries": seeds.configEntries.map(
      ({ value }) => `${textField(value, "kind")}/${textField(value, "name")}`,
    ),
    services: seeds.services.map(
      (service) =>
        `${textField(service.value, "name")} on ${registrationAgent(service, agents).node}`,
    ),
    "registrations with the catalog": seeds.catalog.map(registrationText),
    "prepared queries": named(seeds.preparedQueries),
    peerings: seeds.peerings.map(({ acceptor, dialer }) => `${acceptor} and ${dialer}`),
  };
}

const gateText = ({ gate, isEnabled }: DeclaredGate) => `${gate} ${isEnabled ? "on" : "off"}`;

const ruleText = ({ value }: Declared) =>
  `${textField(value, "AuthMethod")} gives ${textField(value, "BindType")} ${textField(value, "BindName")}`;

function registrationText({ value }: Declared): string {
  const service = Object.entries(value).find(([key]) => key.toLowerCase() === "service")?.[1];
  const name = isObject(service) ? textField(service, "Service") || textField(service, "Name") : "";
  return [name, textField(value, "Node")].filter((part) => part !== "").join(" on ");
}

/** A table of what was written to the cluster, in Markdown; nothing if the job declares nothing. */
export function seededTable(seeds: Seeds, agents: readonly AgentPlan[]): string[] {
  const rows = Object.entries(seededNames(seeds, agents))
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => {
      const spans = names.filter((name) => name !== "").map(codeSpan);
      return [what, String(names.length), firstOfMany(spans, maxNames)];
    });
  if (rows.length === 0) return [];
  return [
    ...table(
      [
        ["declared", "left"],
        ["count", "right"],
        ["names", "left"],
      ],
      rows,
    ),
    "",
  ];
}
