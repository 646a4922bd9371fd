import { expect, test } from "vitest";
import { tagVersion } from "../../../src/apply/version-check.ts";

test.each([
  ["hashicorp/consul:1.8.7", undefined, "1.8.7"],
  ["hashicorp/consul:1.8.7", "1.8.7", "1.8.7"],
  ["consul:1.8", undefined, "1.8.0"],
  ["hashicorp/consul:1.8", "1.8.19", "1.8.0"],
  ["localhost:5000/consul:1.13.9-ubi", "", "1.13.9"],
  ["hashicorp/consul:latest", "2.1.0", undefined],
  ["hashicorp/consul", undefined, undefined],
  // Its makers' own number, or the version of what it is made from.
  ["me/mesh:1.8", "24.04", undefined],
  ["me/mesh:1.8", "1.80.1", undefined],
  ["me/mesh:1.8.7.1", undefined, undefined],
  ["me/mesh:2026-11-24", undefined, undefined],
  ["me/mesh:v1.8.7", undefined, undefined],
])("the image %s with the label %j is Consul %j by its tag", (reference, version, expected) => {
  expect(tagVersion({ reference, ...(version !== undefined && { version }) })).toBe(expected);
});
