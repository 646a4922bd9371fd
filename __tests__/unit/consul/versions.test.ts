import { describe, expect, test } from "vitest";
import { isOlder } from "../../../src/consul/version-number.ts";
import { type DifferenceName, differences, has } from "../../../src/consul/versions.ts";

describe("has", () => {
  test.each<[version: string, difference: DifferenceName, expected: boolean]>([
    ["1.3.1", "acl", false],
    ["1.4.0", "acl", true],
    ["1.4.0", "tls", false],
    ["1.4.1", "tls", true],
    ["1.10.12", "tlsStanza", false],
    ["2.1.0", "tlsStanza", true],
    ["1.12.0-beta1", "tlsStanza", true],
    ["1.12.0-dev", "tlsStanza", true],
    ["1.17.0+ent", "dnsToken", true],
    ["1.8.7+dfsg1-2", "chosenSecretId", true],
    ["1.11.0-alpha", "initialManagement", false],
    ["1.11.0-beta3", "initialManagement", false],
    ["1.11.0-rc", "initialManagement", true],
    ["1.11.0", "initialManagement", true],
  ])("%s, %s: %s", (version, difference, expected) => {
    expect(has(version, difference)).toBe(expected);
  });

  test("throws on what is not a version", () => {
    expect(() => has("latest", "acl")).toThrow("latest");
  });
});

test("the table is in the order of versions", () => {
  const versions = Object.values(differences).map(({ from }) => from);
  expect(versions).toEqual(
    versions.toSorted((a, b) => (isOlder(a, b) ? -1 : isOlder(b, a) ? 1 : 0)),
  );
});
