import type { AclKind, ConsulObject } from "../consul/answers.ts";
import type { Consul } from "../consul/consul.ts";
import { type Declared, type Definition, type Seeds, sameKey } from "../inputs/seeds.ts";
import type { AgentClient } from "../ready/agents.ts";
import { covers, textField } from "./declared.ts";
import type { Write } from "./progress.ts";

/** A declared token as Consul has it. Its SecretID is a secret. */
export interface SeededToken {
  readonly AccessorID: string;
  readonly SecretID: string;
  readonly Description: string;
}

/**
 * Writes ACLs in every primary datacenter: tokens are the same everywhere.
 *
 * @param primaries - an agent of each
 */
export async function seedAclIn(
  primaries: readonly Pick<AgentClient, "consul">[],
  seeds: Seeds,
  write: Write,
): Promise<SeededToken[]> {
  const [first, ...others] = primaries;
  if (!first) return [];
  let isAccepted = true;
  const tokens = await seedAcl(seeds, first.consul, async (declared, action) => {
    isAccepted &&= await write(declared, action);
    return isAccepted;
  });
  if (!isAccepted) return tokens;
  const known = {
    ...seeds,
    tokens: seeds.tokens.map((each, index) => ofToken(each, tokens[index])),
  };
  await Promise.all(others.map(({ consul }) => seedAcl(known, consul, write)));
  return tokens;
}

/** A declared token with the IDs that it has in another datacenter. */
function ofToken({ value, ...declared }: Declared, token: SeededToken | undefined): Declared {
  if (!token) return { ...declared, value };
  const { AccessorID, SecretID } = token;
  const others = Object.entries(value).filter(
    ([key]) => !["accessorid", "secretid"].includes(sameKey(key)),
  );
  return { ...declared, value: { ...Object.fromEntries(others), AccessorID, SecretID } };
}

/** In order of dependence: roles name policies, binding rules auth methods, tokens the first two. Stops at the first refusal. */
async function seedAcl(seeds: Seeds, consul: Consul, write: Write): Promise<SeededToken[]> {
  const objects = [
    ...seeds.policies.map((declared) => ({ kind: "policy", declared }) as const),
    ...seeds.roles.map((declared) => ({ kind: "role", declared }) as const),
    ...seeds.authMethods.map((declared) => ({ kind: "auth-method", declared }) as const),
    ...seeds.bindingRules.map((declared) => ({ kind: "binding-rule", declared }) as const),
    ...seeds.tokens.map((declared) => ({ kind: "token", declared }) as const),
  ];
  const tokens: SeededToken[] = [];
  for (const { kind, declared } of objects) {
    const isAccepted = await write(declared, async () => {
      const object = await ensureAclObject(consul, kind, declared.value);
      if (kind === "token") tokens.push(seededToken(object));
    });
    if (!isAccepted) break;
  }
  return tokens;
}

async function ensureAclObject(
  consul: Consul,
  kind: AclKind,
  declared: Definition,
): Promise<ConsulObject> {
  const existing = await findAclObject(consul, kind, declared);
  if (existing && covers(existing, declared)) return existing;
  return consul.acl.setObject(kind, declared, existing && aclObjectId(kind, existing));
}

/** The key whose value paths have. */
const idKeys: Readonly<Record<AclKind, string>> = {
  policy: "ID",
  role: "ID",
  "auth-method": "Name",
  "binding-rule": "ID",
  token: "AccessorID",
};

const aclObjectId = (kind: AclKind, object: ConsulObject) => textField(object, idKeys[kind]);

/** The keys that identify an object of a kind; of several, the first one that is declared counts. */
const identities: Readonly<Record<AclKind, readonly string[]>> = {
  policy: ["Name"],
  role: ["Name"],
  "auth-method": ["Name"],
  "binding-rule": ["ID"],
  token: ["AccessorID", "SecretID", "Description"],
};

async function findAclObject(consul: Consul, kind: AclKind, declared: Definition) {
  const key = identities[kind].find((each) => textField(declared, each) !== "");
  if (key === undefined && kind === "binding-rule")
    return sameRule(await consul.acl.objects(kind), declared);
  if (key === undefined) return undefined;
  const value = textField(declared, key);
  if (key === "SecretID") return consul.acl.tokenOf(value);
  const listed = (await consul.acl.objects(kind)).find((each) => textField(each, key) === value);
  return listed && consul.acl.object(kind, aclObjectId(kind, listed));
}

/**
 * Binding rules have no name. One that is as declared is the same, or else one of the same auth method
 * with the same description.
 */
export function sameRule(
  rules: readonly ConsulObject[],
  declared: Definition,
): ConsulObject | undefined {
  const description = textField(declared, "Description");
  const isNamesake = (rule: ConsulObject) =>
    description !== "" &&
    textField(rule, "Description") === description &&
    textField(rule, "AuthMethod") === textField(declared, "AuthMethod");
  return rules.find((rule) => covers(rule, declared)) ?? rules.find(isNamesake);
}

function seededToken(object: ConsulObject): SeededToken {
  return {
    AccessorID: textField(object, "AccessorID"),
    SecretID: textField(object, "SecretID"),
    Description: textField(object, "Description"),
  };
}
