/** The inputs that secure a cluster, together with the cluster file. */
import type { Problem } from "../errors.ts";
import type { ClusterFile } from "./cluster-file.ts";
import type { ReadFile } from "./cluster-input.ts";
import type { CertificateAuthority, Security } from "./cluster-spec.ts";
import { problemAt } from "./file-problem.ts";
import { inputs, type Texts, type Values } from "./input-definitions.ts";
import { readOwnCa } from "./own-ca.ts";
import { field } from "./seeds.ts";

/** What the user gives of their own for a secured cluster. */
interface OwnSecrets {
  readonly ca: CertificateAuthority | undefined;
  readonly problems: readonly Problem[];
  /** What no log may show, whether it can be used or not. */
  readonly secrets: readonly string[];
}

/** What secures the cluster. The file overrides the inputs. */
export function resolveSecurity(
  values: Values,
  file: ClusterFile | undefined,
  ca: CertificateAuthority | undefined,
): Security {
  const tls = file?.tls ?? values.tls;
  return {
    acl: (file?.acl ?? values.acl) && { managementToken: values["management-token"] || undefined },
    gossipEncryption: file?.gossipEncryption ?? values["gossip-encryption"],
    tls: tls !== false && { isMutual: tls === "mutual", ca },
    ...(values.license && { license: values.license }),
  };
}

/** Reads what the user gives of their own, and checks it against what it is for. */
export function readOwnSecrets(
  texts: Texts,
  file: ClusterFile | undefined,
  readFile: ReadFile,
): OwnSecrets {
  const token = texts.get("management-token") ?? "";
  const given = [token, texts.get("license") ?? ""].filter((secret) => secret !== "");
  const own = ownCa(texts, file, readFile);
  return {
    ca: own.ca,
    problems: [...(token === "" ? [] : tokenProblems(token, texts, file)), ...own.problems],
    secrets: [...given, ...own.secrets],
  };
}

function tokenProblems(token: string, texts: Texts, file: ClusterFile | undefined): Problem[] {
  const acl = file?.acl ?? inputs.shape.acl.safeParse(texts.get("acl")).data;
  if (acl !== false) return sameSecret(token, file);
  const message =
    "Input `management-token` is set, but ACLs are off, and without them Consul has no tokens. Set `acl: true`, or leave `management-token` empty.";
  return [{ input: "management-token", message }];
}

/** A declared token with the same secret would take the management token's rights away. */
function sameSecret(token: string, file: ClusterFile | undefined): Problem[] {
  return (file?.seeds.tokens ?? []).flatMap(({ name, place, value }) => {
    if (field(value, "SecretID") !== token) return [];
    const message = `\`SecretID\` of \`${name}\` is the token of the input \`management-token\`: give it another one, or leave the token out.`;
    return [problemAt(place, message)];
  });
}

function ownCa(texts: Texts, file: ClusterFile | undefined, readFile: ReadFile): OwnSecrets {
  const none = { ca: undefined, problems: [], secrets: [] };
  const paths = { certificate: texts.get("ca-cert") ?? "", key: texts.get("ca-key") ?? "" };
  const refused = (input: string, message: string) => ({ ...none, problems: [{ input, message }] });
  if (paths.certificate === "" && paths.key === "") return none;
  if (paths.certificate === "" || paths.key === "") {
    const [given, missing] = paths.key === "" ? ["ca-cert", "ca-key"] : ["ca-key", "ca-cert"];
    const message = `Input \`${given}\` is set, but \`${missing}\` is not: it takes both to sign certificates. Set \`${missing}\`, or leave both empty for a new CA.`;
    return refused(missing, message);
  }
  const tls = file?.tls ?? inputs.shape.tls.safeParse(texts.get("tls")).data;
  if (tls !== false) return readOwnCa(paths, readFile);
  const message =
    "Inputs `ca-cert` and `ca-key` are set, but TLS is off. Set `tls: true` or `tls: mutual`, or leave both empty.";
  return refused("ca-cert", message);
}
