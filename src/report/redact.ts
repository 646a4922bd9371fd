/** Keeps secrets out of the evidence: the runner masks its log, but nobody masks files. */

const hidden = "***";

/** What is shorter would be found by chance in the middle of other words. */
const minSecretLength = 6;

/** Names, of variables and of settings, whose values nobody else should see. */
const secretName =
  "[\\w.-]*(?:token|secret|password|passwd|license|encrypt|private_key|api_key|initial_management|agent_master|agent_recovery|\\bmaster|\\breplication)[\\w.-]*";

/** `name = "value"`, `"name": "value"`, `name="value"`, with the quotes escaped or not. */
const settingPattern = new RegExp(
  `(?<head>${secretName}\\\\?"?\\s*[:=]\\s*\\\\?")(?<value>[^"\\\\]+)`,
  "gi",
);

/** `NAME=value` as a variable of the environment has it. */
const variablePattern = new RegExp(`^(?<name>${secretName})=(?<value>.+)$`, "is");

const privateKeyPattern =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g;

/**
 * Finds the secrets in what an agent was given.
 *
 * @param env - `NAME=value` entries
 * @param configuration - fragments of HCL or JSON
 */
export function secretsIn(env: readonly string[], configuration: readonly string[]): string[] {
  const variables = env.map((entry) => variablePattern.exec(entry)?.groups?.value);
  const settings = configuration.flatMap((text) =>
    Array.from(text.matchAll(settingPattern), (match) => match.groups?.value),
  );
  return [...variables, ...settings].filter((value) => value !== undefined);
}

/**
 * Replaces secrets in a text: those named, whatever looks like the value of a secret setting, and
 * private keys.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= minSecretLength)
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, hidden), text)
    .replaceAll(settingPattern, `$<head>${hidden}`)
    .replaceAll(privateKeyPattern, hidden);
}
