import { createPrivateKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readOwnCa } from "../../../src/inputs/own-ca.ts";
import { certificates, keys } from "./ca-fixtures.ts";
import { cpuTime } from "./cpu-time.ts";

/** Reads a CA from two files with these texts. */
function read(certificate: string, key: string, now = Date.UTC(2030, 0)) {
  const texts = new Map([
    ["c.pem", certificate],
    ["k.pem", key],
  ]);
  const reader = (path: string) => Buffer.from(texts.get(path) ?? "");
  return readOwnCa({ certificate: "c.pem", key: "k.pem" }, reader, now);
}

const messages = (...of: Parameters<typeof read>) =>
  read(...of).problems.map(({ message }) => message);

const bodyOf = (pem: string) => pem.split("\n").slice(1, -2);

describe("a CA of the user's", () => {
  test.each([
    ["root", "ec"],
    ["rsa", "rsa"],
  ] as const)("is read from its certificate and its key: %s", (name, keyType) => {
    const { ca, problems } = read(certificates[name], keys[name]);
    expect(problems).toEqual([]);
    expect(ca).toMatchObject({ certificates: certificates[name], intermediates: "", keyType });
    const given = createPrivateKey(keys[name]);
    expect(createPrivateKey(ca?.key ?? "").equals(given)).toBe(true);
  });

  test("has its key in the form that every version of Consul reads", () => {
    const { ca, secrets } = read(certificates.root, keys.rootInPkcs8);
    expect(ca?.key).toBe(keys.root);
    // What was given, and what is used.
    expect(secrets).toEqual([...bodyOf(keys.rootInPkcs8), ...bodyOf(keys.root)]);
    const rsa = read(certificates.rsa, keys.rsa).ca?.key ?? "";
    expect(rsa).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  });

  test("may be below another one, if the certificates up to the root are there, in any order", () => {
    const { root, middle, rsa } = certificates;
    const { ca } = read(middle + rsa + root, keys.middle);
    expect(ca).toMatchObject({ certificates: middle + rsa + root, intermediates: middle });
    expect(messages(middle, keys.middle)).toEqual([
      'Input `ca-cert` is "c.pem", which lacks the certificate that signed "CN=middle": append those up to the root.',
    ]);
  });

  test("may be in files with other things, of which agents get none", () => {
    const both = `Bag Attributes\r\n${certificates.root}${keys.root}`.replaceAll("\n", "\r\n");
    const { ca, secrets } = read(both, both);
    expect(ca?.certificates).toBe(certificates.root);
    expect(secrets).toEqual(expect.arrayContaining(bodyOf(keys.root)));
  });
});

describe("refuses", () => {
  const { root, leaf } = certificates;

  test("files that can't be read, both at once", () => {
    const reader = () => {
      throw new Error("a directory, not a regular file");
    };
    const { problems, ca } = readOwnCa({ certificate: "a", key: "b" }, reader);
    expect(ca).toBeUndefined();
    expect(problems.map(({ input, message }) => [input, message])).toEqual([
      ["ca-cert", expect.stringContaining('"a", which can\'t be read: a directory, not')],
      ["ca-key", expect.stringContaining('"b", which can\'t be read: a directory, not')],
    ]);
  });

  test.each([
    ["nothing", "", "has no certificate in PEM"],
    ["a key", keys.root, "has no certificate in PEM"],
    [
      "a broken certificate",
      root.replace("MII", "AAA"),
      "certificate that can't be read, number 1",
    ],
    ["a certificate that is no CA's", leaf, "does not begin with the certificate of a CA"],
  ])("in place of a certificate, %s", (_, text, words) => {
    expect(messages(text, keys.leaf)).toEqual([expect.stringContaining(words)]);
  });

  test.each([
    ["nothing", "", "has no private key in PEM"],
    ["a certificate", root, "has no private key in PEM"],
    ["a broken key", keys.root.replace("MH", "AA"), "has a private key that can't be read"],
    ["a key with a passphrase", keys.encrypted, "is encrypted"],
    ["a key that Consul can't sign with", keys.ed25519, "it must be EC"],
  ])("in place of a key, %s", (_, text, words) => {
    const found = messages(root, text);
    expect(found).toEqual([expect.stringContaining(words)]);
    for (const line of text.split("\n").filter((each) => each.length > 20))
      expect(found.join()).not.toContain(line);
  });

  test("the key of another certificate", () => {
    expect(messages(root, keys.middle)).toEqual([
      'Input `ca-key` is "k.pem", which is not the key of the first certificate in `ca-cert`.',
    ]);
    expect(read(root, keys.middle).secrets).toEqual(bodyOf(keys.middle));
  });

  test.each([Date.UTC(2020, 0), Date.UTC(2200, 0)])("an outdated one: %d", (now) => {
    expect(messages(root, keys.root, now)).toEqual([
      expect.stringMatching(/has a certificate, "CN=root", that is valid only from .* to /),
    ]);
  });
});

test("time is linear in the size of the files", () => {
  const text = "-----BEGIN EC PRIVATE KEY-----\n".repeat(100_000);
  expect(cpuTime(() => read(text, text))).toBeLessThan(2000);
});
