/** Keeps secrets out of the evidence: the runner masks its log, but it does not mask files. */
import { isSecretName } from "../inputs/secret-settings.ts";

export { secretsIn } from "../inputs/secret-settings.ts";

const hidden = "***";

/** Anything shorter would be found by chance inside other words. */
const minSecretLength = 6;

/**
 * Up to this length, secrets are found by one regular expression, since there may be thousands; a
 * much longer one does not compile.
 */
const maxPatternLength = 200;

/** A longer line is cut. Characters. */
const maxLineLength = 64 * 1024;

/**
 * A name, and what comes between it and its value if that is in quotes: `name = "value"`,
 * `"name": "value"`, `name="value"`, with the quotes escaped or not. A name alone matches too, so
 * that the search goes on behind it: the time is linear.
 */
const namePattern = /(?<name>[\w.-]+)(?<quote>\\?"?\s*[:=]\s*\\?")?/g;

/** The value behind a quote, and behind an escaped one. Escapes belong to the value. */
const valuePattern = /(?:[^"\\]+|\\[\s\S])+/y;
const escapedValuePattern = /(?:[^"\\]+|\\\\(?:\\\\|\\"|[^"\\]))+/y;

const keyMarkPattern = /-----(?<kind>BEGIN|END) [A-Z ]{0,40}PRIVATE KEY-----/g;

/** What a private key without an end may continue with. */
const keyBodyPattern = /(?:[\w+/=\s]|\\[nr])*/y;

/**
 * Replaces secrets in a text: the given ones, anything that looks like the value of a secret
 * setting, and private keys. Cuts lines that are longer than 64 KiB. The time is linear in the text.
 */
export function redact(text: string, secrets: readonly string[]): string {
  return withShortLines(withoutSettings(withoutKeys(withoutKnown(text, secrets))));
}

function withoutKnown(text: string, secrets: readonly string[]): string {
  const all = [...new Set(secrets)]
    .filter((secret) => secret.length >= minSecretLength)
    .toSorted((a, b) => b.length - a.length);
  const [long, short] = [
    all.filter((secret) => secret.length > maxPatternLength),
    all.filter((secret) => secret.length <= maxPatternLength),
  ];
  const rest = long.reduce((found, secret) => found.replaceAll(secret, hidden), text);
  if (short.length === 0) return rest;
  return rest.replaceAll(new RegExp(short.map(escaped).join("|"), "g"), hidden);
}

const escaped = (literal: string) => literal.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");

function withoutKeys(text: string): string {
  let result = "";
  let done = 0;
  let start: number | undefined;
  const hide = (from: number, to: number) => {
    result += text.slice(done, from) + hidden;
    done = to;
    start = undefined;
  };
  for (const { 0: mark, index, groups } of text.matchAll(keyMarkPattern)) {
    if (groups?.kind === "BEGIN") start ??= index;
    else if (start !== undefined) hide(start, index + mark.length);
  }
  if (start !== undefined) {
    keyBodyPattern.lastIndex = text.indexOf("-----", start + "-----".length) + "-----".length;
    keyBodyPattern.exec(text);
    hide(start, keyBodyPattern.lastIndex);
  }
  return result + text.slice(done);
}

function withoutSettings(text: string): string {
  let result = "";
  let done = 0;
  for (const { 0: match, index, groups } of text.matchAll(namePattern)) {
    const { name = "", quote } = groups ?? {};
    if (quote === undefined || index < done || !isSecretName(name)) continue;
    const from = index + match.length;
    const pattern = quote.endsWith('\\"') ? escapedValuePattern : valuePattern;
    pattern.lastIndex = from;
    const value = pattern.exec(text)?.[0];
    if (value === undefined) continue;
    result += text.slice(done, from) + hidden;
    done = from + value.length;
  }
  return result + text.slice(done);
}

const withShortLines = (text: string) =>
  text.length <= maxLineLength ? text : text.split("\n").map(shortLine).join("\n");

const shortLine = (line: string) =>
  line.length <= maxLineLength
    ? line
    : `${line.slice(0, maxLineLength)}… (line cut: it has ${line.length} characters)`;
