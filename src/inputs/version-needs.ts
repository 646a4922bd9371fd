import type { Scope } from "../consul/scope.ts";
import { isEnterprise } from "../consul/version-number.ts";
import { type DifferenceName, firstVersion, has } from "../consul/versions.ts";
import type { Place, Problem } from "../errors.ts";
import { type Declared, field, type Seeds, scopeOf } from "./seeds.ts";
import { placeText } from "./wording.ts";

/** Something in a cluster file that not every version of Consul supports. */
export interface VersionNeed {
  /** For messages: `` `SecretID` of `acl.tokens[0] (app)` ``. */
  readonly name: string;
  readonly place: Place;
  readonly difference: DifferenceName;
}

/** Each kind of configuration entry, and what a version of Consul must have to know it. */
export const entryKinds: ReadonlyMap<string, DifferenceName> = new Map([
  ["service-defaults", "configEntries"],
  ["proxy-defaults", "configEntries"],
  ["service-router", "discoveryChainEntries"],
  ["service-splitter", "discoveryChainEntries"],
  ["service-resolver", "discoveryChainEntries"],
  ["ingress-gateway", "gatewayEntries"],
  ["terminating-gateway", "gatewayEntries"],
  ["service-intentions", "intentionsEntry"],
  ["mesh", "meshEntry"],
  ["exported-services", "exportsEntry"],
  ["api-gateway", "apiGatewayEntries"],
  ["bound-api-gateway", "apiGatewayEntries"],
  ["http-route", "apiGatewayEntries"],
  ["tcp-route", "apiGatewayEntries"],
  ["inline-certificate", "apiGatewayEntries"],
  ["jwt-provider", "jwtEntry"],
  ["sameness-group", "enterpriseEntries"],
  ["control-plane-request-limit", "enterpriseEntries"],
  ["file-system-certificate", "fileCertificateEntry"],
  ["rate-limit", "rateLimitEntry"],
]);

/** Keys of roles and tokens that not every version knows. */
export const roleKeys: ReadonlyMap<string, DifferenceName> = new Map([
  ["NodeIdentities", "nodeIdentities"],
  ["TemplatedPolicies", "templatedPolicies"],
]);
export const tokenKeys: ReadonlyMap<string, DifferenceName> = new Map([
  ["AccessorID", "chosenAccessorId"],
  ["SecretID", "chosenSecretId"],
  ["Roles", "aclRoles"],
  ["ServiceIdentities", "aclRoles"],
  ["ExpirationTime", "aclRoles"],
  ["ExpirationTTL", "aclRoles"],
  ...roleKeys,
]);

/** Values of `Type` of auth methods. */
export const authMethodTypes: ReadonlyMap<string, DifferenceName> = new Map([
  ["kubernetes", "authMethods"],
  ["jwt", "jwtAuthMethods"],
  ["oidc", "oidcAuthMethods"],
  ["aws-iam", "awsAuthMethods"],
]);

/** Keys of auth methods and of binding rules that not every version knows. */
export const authMethodKeys: ReadonlyMap<string, DifferenceName> = new Map([
  ["DisplayName", "jwtAuthMethods"],
  ["MaxTokenTTL", "jwtAuthMethods"],
  ["TokenLocality", "jwtAuthMethods"],
]);
export const bindingRuleKeys: ReadonlyMap<string, DifferenceName> = new Map([
  ["BindVars", "templatedPolicies"],
]);

/** Values of `BindType` of binding rules. */
export const bindTypes: ReadonlyMap<string, DifferenceName> = new Map([
  ["service", "authMethods"],
  ["role", "authMethods"],
  ["node", "nodeIdentities"],
  ["templated-policy", "templatedPolicies"],
  ["policy", "policyBindings"],
]);

/** What only Consul Enterprise supports; the community edition refuses it in every version. */
export const enterpriseOnly: readonly DifferenceName[] = [
  "enterpriseEntries",
  "rateLimitEntry",
  "oidcAuthMethods",
  "namespaces",
  "partitions",
];

/** What a cluster file declares that not every version of Consul supports. */
export function versionNeeds(seeds: Seeds): VersionNeed[] {
  const { roles, tokens, configEntries, authMethods, bindingRules, preparedQueries } = seeds;
  const valueNeed =
    (key: string, values: ReadonlyMap<string, DifferenceName>) => (declared: Declared) =>
      needOf(declared, values.get(String(field(declared.value, key))) ?? "authMethods");
  const inScopes = [...seeds.services, ...configEntries].map((declared) => {
    return { ...declared, scope: scopeOf(declared.value) };
  });
  return [
    ...inScopes.flatMap(scopeNeeds),
    ...seeds.kv.flatMap((key) => scopeNeeds({ ...key, scope: key })),
    ...seeds.peerings.map((declared) => needOf(declared, "peering")),
    ...seeds.featureGates.map((declared) => needOf(declared, "featureGates")),
    ...authMethods.map(valueNeed("Type", authMethodTypes)),
    ...authMethods.flatMap((declared) => keyNeeds(declared, authMethodKeys)),
    ...bindingRules.map(valueNeed("BindType", bindTypes)),
    ...bindingRules.flatMap((declared) => keyNeeds(declared, bindingRuleKeys)),
    ...preparedQueries.filter(hasFailoverTargets).map((declared) => {
      const name = `\`Failover.Targets\` of \`${declared.name}\``;
      return { ...needOf(declared, "failoverTargets"), name };
    }),
    ...roles.map((declared) => needOf(declared, "aclRoles")),
    ...roles.flatMap((declared) => keyNeeds(declared, roleKeys)),
    ...tokens.flatMap((declared) => keyNeeds(declared, tokenKeys).filter(isNew(declared))),
    // A kind that is not known here may come with any version.
    ...configEntries.map((declared) =>
      needOf(declared, entryKinds.get(String(field(declared.value, "kind"))) ?? "configEntries"),
    ),
  ];
}

/** What an object needs because of where it is. */
function scopeNeeds(
  declared: Pick<Declared, "name" | "place"> & { readonly scope: Scope },
): VersionNeed[] {
  const { namespace, partition } = declared.scope;
  const need = (key: string, difference: DifferenceName): VersionNeed => {
    return { ...needOf(declared, difference), name: `\`${key}\` of \`${declared.name}\`` };
  };
  return [
    ...(namespace ? [need("Namespace", "namespaces")] : []),
    ...(partition ? [need("Partition", "partitions")] : []),
  ];
}

function hasFailoverTargets({ value }: Declared): boolean {
  const inside = (found: unknown, key: string) =>
    typeof found === "object" && found !== null ? field({ ...found }, key) : undefined;
  return isSet(inside(inside(inside(value, "Service"), "Failover"), "Targets"));
}

/** The anonymous token exists in every version, with these IDs. */
const anonymousToken = "00000000-0000-0000-0000-000000000002";

function isNew({ value }: Declared): (need: VersionNeed) => boolean {
  const exists = field(value, "AccessorID") === anonymousToken;
  return ({ difference }) =>
    !exists || !["chosenAccessorId", "chosenSecretId"].includes(difference);
}

function keyNeeds(declared: Declared, keys: ReadonlyMap<string, DifferenceName>): VersionNeed[] {
  return [...keys]
    .filter(([key]) => isSet(field(declared.value, key)))
    .map(([key, difference]) => {
      return { ...needOf(declared, difference), name: `\`${key}\` of \`${declared.name}\`` };
    });
}

const isSet = (value: unknown) => value !== undefined && value !== null && value !== "";

const needOf = (
  { name, place }: Pick<Declared, "name" | "place">,
  difference: DifferenceName,
): VersionNeed => ({
  name: `\`${name}\``,
  place,
  difference,
});

/**
 * What a version of Consul does not support of all that a cluster file needs.
 *
 * @param version - as `versionNumber` returns it, with `+ent` if it is Consul Enterprise
 * @param node - that runs it by its own `version`; empty if it is the cluster's
 */
export function unmetNeeds(needs: readonly VersionNeed[], version: string, node = ""): Problem[] {
  return needs
    .filter(
      ({ difference }) =>
        !has(version, difference) ||
        (enterpriseOnly.includes(difference) && !isEnterprise(version)),
    )
    .map(({ name, place, difference }) => {
      const first = firstVersion(difference);
      const [edition, remedy] = enterpriseOnly.includes(difference)
        ? ["Consul Enterprise", "Use an image of it"]
        : ["Consul", `Set ${node === "" ? "" : "its "}\`version\` to ${first} or later`];
      const seen = node === "" ? `this is Consul ${version}` : `${node} runs Consul ${version}`;
      const message = `${placeText(place)}: ${name} needs ${edition} ${first} or later, but ${seen}. ${remedy}, or leave it out.`;
      return { input: "cluster", place, message };
    });
}
