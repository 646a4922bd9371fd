/** The inputs that secure a cluster, together with the cluster file. */
import type { Problem } from "../errors.ts";
import type { ClusterFile } from "./cluster-file.ts";
import type { Security } from "./cluster-spec.ts";
import { problemAt } from "./file-problem.ts";
import { inputs, type Texts, type Values } from "./input-definitions.ts";
import { field } from "./seeds.ts";

/** What secures the cluster. The file overrides the inputs. */
export function securityOf(values: Values, file: ClusterFile | undefined): Security {
  const tls = file?.tls ?? values.tls;
  return {
    acl: (file?.acl ?? values.acl) && { managementToken: values["management-token"] || undefined },
    gossipEncryption: file?.gossipEncryption ?? values["gossip-encryption"],
    tls: tls !== false && { isMutual: tls === "mutual" },
  };
}

/** The secrets among the inputs, valid or not. */
export const inputSecrets = (texts: Texts): string[] =>
  ["management-token"].flatMap((name) => texts.get(name) || []);

/** Inputs that mean nothing without another one, and tokens that would be two in one. */
export function securityProblems(texts: Texts, file: ClusterFile | undefined): Problem[] {
  const token = texts.get("management-token") ?? "";
  if (token === "") return [];
  const acl = file?.acl ?? inputs.shape.acl.safeParse(texts.get("acl")).data;
  if (acl === false) {
    const message =
      "Input `management-token` is set, but ACLs are off, and without them Consul has no tokens. Set `acl: true`, or leave `management-token` empty.";
    return [{ input: "management-token", message }];
  }
  return sameSecret(token, file);
}

/** A declared token with the same secret would take the management token's rights away. */
function sameSecret(token: string, file: ClusterFile | undefined): Problem[] {
  return (file?.seeds.tokens ?? []).flatMap(({ name, place, value }) => {
    if (field(value, "SecretID") !== token) return [];
    const message = `\`SecretID\` of \`${name}\` is the token of the input \`management-token\`: give it another one, or leave the token out.`;
    return [problemAt(place, message)];
  });
}
