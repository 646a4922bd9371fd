/** Finds the secrets in agent configuration. Everything here takes time linear in the text. */
import { tokenize } from "./agent-config-text.ts";
import { sameKey } from "./seeds.ts";

/** Names of settings and variables whose values must stay secret. */
const secretWord =
  /token|secret|password|passwd|license|encrypt|account_?jwt|private_?key|api_?key|initial_management|agent_master|agent_recovery|\bmaster|\breplication/i;

/** What such a word is also part of: switches, durations, and paths. */
const harmlessName = /^(?:auto_encrypt$|encrypt_verify|enable_)|_?(?:ttl|file|path|dir)$/i;

/** Whether a name contains a word such as `token` or `password`. */
export const isSecretName = (name: string) => secretWord.test(name);

/** Whether the value of a setting is a secret, and not a duration or a path that belongs to one. */
const isSecretSetting = (name: string) => isSecretName(name) && !harmlessName.test(name);

/** `NAME=value` inside a longer text, as in `retry_join = ["provider=aws secret_access_key=…"]`. */
const pairPattern = /(?<name>[\w.-]+)(?:=(?<value>[^\s"',;]+))?/g;

const isSwitch = (value: string) => value === "" || value === "true" || value === "false";

/** The secrets of one string of a configuration. */
function secretsOfValue(value: string, isSecret: boolean): string[] {
  if (isSwitch(value)) return [];
  if (isSecret || value.includes("PRIVATE KEY-----")) return [value];
  return Array.from(value.matchAll(pairPattern), ({ groups }) => groups).flatMap((pair) =>
    pair?.value !== undefined && isSecretSetting(pair.name ?? "") ? pair.value : [],
  );
}

/**
 * Every string below a secret key of a mapping: `encrypt`, and all of `acl.tokens`.
 *
 * @param value - parsed JSON or YAML, without cycles
 * @param isSecret - whether the value is below a secret key already
 */
export function secretsInMapping(value: unknown, isSecret = false): string[] {
  if (typeof value === "string") return secretsOfValue(value, isSecret);
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => secretsInMapping(item, isSecret));
  return Object.entries(value).flatMap(([key, each]) =>
    secretsInMapping(each, (isSecret || isSecretName(key)) && !harmlessName.test(key)),
  );
}

/**
 * The secrets in a cluster file: in agent configuration, services and configuration entries, and
 * the secret IDs of ACL tokens.
 *
 * @param content - the file's content, valid as a cluster file or not, without cycles
 */
export function secretsInFile(content: unknown): string[] {
  if (typeof content !== "object" || content === null) return [];
  return Object.entries(content).flatMap(([key, value]) => {
    if (key === "acl") return [...secretIds(value), ...secretsOfAuthMethods(value)];
    if (key === "nodes") return [...secretsInMapping(value), ...secretsOfNodes(value)];
    return key === "kv" ? [] : secretsInMapping(value);
  });
}

/** The secrets in the configuration of auth methods, such as a service account's JWT. */
function secretsOfAuthMethods(acl: unknown): string[] {
  const methods = isMapping(acl) && Array.isArray(acl.auth_methods) ? acl.auth_methods : [];
  return methods.flatMap((method) =>
    isMapping(method)
      ? Object.entries(method).flatMap(([key, config]) =>
          sameKey(key) === "config" ? secretsInMapping(config) : [],
        )
      : [],
  );
}

/** The secrets in configuration that single nodes have in their environment. */
function secretsOfNodes(nodes: unknown): string[] {
  const envOf = (node: unknown) => (isMapping(node) && isMapping(node.env) ? node.env : {});
  const all = isMapping(nodes) ? Object.values(nodes).map(envOf) : [];
  const texts = all.flatMap((env) => Object.values(env).map(String));
  return texts.flatMap(secretsInText);
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function secretIds(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    sameKey(key) === "secretid" && typeof each === "string" && each !== ""
      ? [each]
      : secretIds(each),
  );
}

/** `NAME=value`, the way environment variables are written. */
const variablePattern = /^(?<name>[^=]*)=(?<value>.+)$/s;

/**
 * Finds the secrets in an agent's environment and configuration.
 *
 * @param env - `NAME=value` entries; a value may be configuration, as in CONSUL_LOCAL_CONFIG
 * @param configuration - fragments of HCL or JSON
 */
export function secretsIn(env: readonly string[], configuration: readonly string[]): string[] {
  const variables = env.flatMap((entry) => {
    const { name = "", value = "" } = variablePattern.exec(entry)?.groups ?? {};
    return value !== "" && isSecretName(name) ? [value] : secretsInText(value);
  });
  return [...variables, ...configuration.flatMap(secretsInText)];
}

/**
 * Every string below a secret key in a text of HCL or JSON, which need not be valid.
 *
 * @param text - one or more fragments of agent configuration
 */
export function secretsInText(text: string): string[] {
  const secrets: string[] = [];
  const blocks = [{ isSecret: false, isList: false }];
  const outside = { isSecret: false, isValue: false };
  let key = outside;
  for (const { sign, string, word } of tokenize(text)) {
    const block = blocks.at(-1) ?? { isSecret: false, isList: false };
    const isSecret = block.isSecret || key.isSecret;
    if (sign === "=" || sign === ":") key = { ...key, isValue: true };
    else if (sign !== undefined) {
      if (sign === "{" || sign === "[") blocks.push({ isSecret, isList: sign === "[" });
      else if (sign !== ",") blocks.pop();
      key = outside;
    } else if (string !== undefined && (key.isValue || block.isList)) {
      secrets.push(...secretsOfValue(string, isSecret));
      key = outside;
    } else {
      // Also behind a sign: in YAML a word there may be a key.
      const isSecretKey = isSecretSetting(string ?? word ?? "");
      key = { isSecret: isSecretKey || (key.isSecret && !key.isValue), isValue: false };
    }
  }
  return secrets;
}
