import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isOlder,
  isSameVersion,
  printedVersion,
  taggedVersion,
  versionNumber,
} from "../../../src/consul/version-number.ts";

describe("versionNumber", () => {
  test.each([
    ["1.8.7", "1.8.7"],
    ["v1.22.0-rc1", "1.22.0-rc1"],
    ["1.22.0rc1", "1.22.0-rc1"],
    ["1.22.0+ent", "1.22.0+ent"],
    ["1.22.0-rc1+ent", "1.22.0-rc1+ent"],
    ["1.22.0+entrc1", "1.22.0-rc1+ent"],
    ["1.18.2.fips1402+ent", "1.18.2+ent"],
    ["1.4.4dev", "1.4.4-dev"],
    ["1.13.8\n", "1.13.8"],
    ["1.8.7+dfsg1-2", "1.8.7+dfsg1-2"],
    ["v1.22.7-est-1", "1.22.7-est-1"],
  ])("%j: %s", (text, expected) => {
    expect(versionNumber(text)).toBe(expected);
  });

  test.each(["", "latest", "1.22", "1.08.7", "1.2.3.4", "1.8.7 (abc)", "1.8.7;"])(
    "%j is none",
    (text) => {
      expect(versionNumber(text)).toBeUndefined();
    },
  );

  test("what it returns, it returns unchanged", () => {
    const text = fc.stringMatching(
      /^v?[12]\.\d{1,2}\.\d(\.fips1402)?(-?(alpha|beta|rc|dev)\d?)?(\+(ent)?(rc1)?)?$/,
    );
    fc.assert(
      fc.property(text, (each) => {
        const number = versionNumber(each);
        fc.pre(number !== undefined);
        expect(versionNumber(number)).toBe(number);
      }),
    );
  });
});

test.each([
  ["Consul v1.22.7\nRevision abc\n", "1.22.7"],
  ["Consul 1.4.4-dev (63c6f2b0)\nProtocol 2 spoken by default\n", "1.4.4-dev"],
  ["Consul v1.22.0-rc1+ent\n", "1.22.0-rc1+ent"],
  ["a warning\nConsul 1.8.7+dfsg1\n", "1.8.7+dfsg1"],
  ["BusyBox v1.37.0\n", undefined],
])("`consul version` printed %j: %s", (output, expected) => {
  expect(printedVersion(output)).toBe(expected);
});

test.each([
  ["1.8.7:24fc5bd2", "1.8.7"],
  ["1.22.0+ent:0c1ad0a8", "1.22.0"],
  ["1.22.0+entrc1:0c1ad0a8", "1.22.0-rc1"],
  ["1.22.0rc1:0c1ad0a8", "1.22.0-rc1"],
  ["1.13.8\n:1c1f0d5d", "1.13.8"],
  ["1.4.4dev:'63c6f2b", "1.4.4-dev"],
  ["custom:1", "custom"],
])("the tag %j is of version %s", (build, expected) => {
  expect(taggedVersion(build)).toBe(expected);
});

test("a version that is not one is neither older nor the same", () => {
  expect([isOlder("unknown", "1.8.7"), isSameVersion("unknown", "1.8.7")]).toEqual([false, false]);
  expect(isSameVersion("1.18.3+ent", "1.18.3")).toBe(true);
  expect(isOlder("1.22.0-rc1", "1.22.0")).toBe(true);
});

test("a build outside of a tag prints another version than its member tag has, up to 1.7", () => {
  const printed = printedVersion("Consul 1.6.10-dev (abc)\n") ?? "";
  const member = taggedVersion("1.6.10:abc");
  expect([printed, member]).toEqual(["1.6.10-dev", "1.6.10"]);
  expect(isSameVersion(printed, member)).toBe(true);
  expect([isOlder(printed, member), isOlder(member, printed)]).toEqual([false, false]);
  expect(isSameVersion("2.1.0-dev", "2.1.0")).toBe(false);
  expect(isOlder("2.1.0-dev", "2.1.0")).toBe(true);
});
