import type { AclKind, ConsulObject } from "../consul/answers.ts";
import type { Consul } from "../consul/consul.ts";
import type { Definition, Seeds } from "../inputs/seeds.ts";
import { covers, textField } from "./declared.ts";
import type { Write } from "./progress.ts";

/** A declared token as Consul has it. Its SecretID is a secret. */
export interface SeededToken {
  readonly AccessorID: string;
  readonly SecretID: string;
  readonly Description: string;
}

/** In order of dependence: roles name policies, tokens name both. Stops at the first refusal. */
export async function seedAcl(seeds: Seeds, consul: Consul, write: Write): Promise<SeededToken[]> {
  const objects = [
    ...seeds.policies.map((declared) => ({ kind: "policy", declared }) as const),
    ...seeds.roles.map((declared) => ({ kind: "role", declared }) as const),
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

const aclObjectId = (kind: AclKind, object: ConsulObject) =>
  textField(object, kind === "token" ? "AccessorID" : "ID");

/** The keys that identify an object of a kind; of several, the first one that is declared counts. */
const identities: Readonly<Record<AclKind, readonly string[]>> = {
  policy: ["Name"],
  role: ["Name"],
  token: ["AccessorID", "SecretID", "Description"],
};

async function findAclObject(consul: Consul, kind: AclKind, declared: Definition) {
  const key = identities[kind].find((each) => textField(declared, each) !== "");
  if (key === undefined) return undefined;
  const value = textField(declared, key);
  if (key === "SecretID") return consul.acl.tokenOf(value);
  const listed = (await consul.acl.objects(kind)).find((each) => textField(each, key) === value);
  return listed && consul.acl.object(kind, aclObjectId(kind, listed));
}

function seededToken(object: ConsulObject): SeededToken {
  return {
    AccessorID: textField(object, "AccessorID"),
    SecretID: textField(object, "SecretID"),
    Description: textField(object, "Description"),
  };
}
