import { describe, expect, test } from "vitest";
import { namedRelease, versionMistake } from "../../../src/inputs/consul-tag.ts";

const own = "hashicorp/consul";

test.each([
  ["v1.8.7", 'a tag has no "v". Did you mean "1.8.7"?'],
  ["V2.1", 'a tag has no "v". Did you mean "2.1"?'],
  ["1.8.x", 'a tag has no wildcard, and `1.8` is the newest 1.8. Did you mean "1.8"?'],
  ["1.22.*", 'a tag has no wildcard, and `1.22` is the newest 1.22. Did you mean "1.22"?'],
  [
    "v1.8.X",
    'a tag has no "v", and a tag has no wildcard, and `1.8` is the newest 1.8. Did you mean "1.8"?',
  ],
  ["1.x", "a tag has no wildcard: `1.22` is the newest 1.22, and `latest` the newest of all."],
  [
    "^1.18",
    'not a range: `1.18` is the newest 1.18, and `latest` the newest of all. Did you mean "1.18"?',
  ],
  ["~> 1.18.2", 'Did you mean "1.18"?'],
  [">=1.18 <2", 'Did you mean "1.18"?'],
  ["1.1", 'YAML reads 1.10 without quotes as the number 1.1. Did you mean "1.10"?'],
  ["1.2", 'Did you mean "1.20"?'],
  ["v1.1", 'Did you mean "1.10"?'],
  ["1.3.1", "Consul 1.3 is older than 1.4, the first that works."],
  ["0.7", "is older than 1.4"],
])("%s is no tag of Consul's own image", (version, message) => {
  expect(versionMistake(own, version)).toContain(message);
  expect(versionMistake(own, version)).toMatch(
    /^is ".*", which can't be used with hashicorp\/consul: /,
  );
});

test.each([
  "latest",
  "1.4.4",
  "1.10",
  "1.22",
  "2.1",
  "1.22.0-rc1",
  "2.1-ubi",
  "1.22.7-ent",
  "nightly",
])("%s may be one", (version) => {
  expect(versionMistake(own, version)).toBeUndefined();
});

describe("the image", () => {
  test.each([
    "consul",
    "docker.io/hashicorp/consul",
    "index.docker.io/library/consul",
    "public.ecr.aws/hashicorp/consul",
    "hashicorp/consul-enterprise",
  ])("%s is Consul's own", (repository) => {
    expect(versionMistake(repository, "v1.8.7")).toBeDefined();
  });

  test.each(["my/consul", "registry.example.com/hashicorp/consul"])(
    "%s may have any tags",
    (repository) => {
      expect(versionMistake(repository, "v1.8.7")).toBeUndefined();
    },
  );
});

describe("the release in an image", () => {
  test.each([
    ["hashicorp/consul:1.22.7", "1.22.7", "1.22.7"],
    ["docker.io/library/consul:1.4.4", undefined, "1.4.4"],
    ["public.ecr.aws/hashicorp/consul:1.22", "1.22.7", "1.22.7"],
  ])("%s with the label %s has %s", (reference, version, release) => {
    expect(namedRelease({ reference, ...(version && { version }) })).toBe(release);
  });

  test.each([
    ["another repository", "my/consul:1.22.7", "1.22.7"],
    ["another registry", "registry.example.com/hashicorp/consul:1.22.7", "1.22.7"],
    ["the other edition", "hashicorp/consul-enterprise:1.22.7-ent", "1.22.7+ent"],
    ["no tag", "hashicorp/consul", "1.22.7"],
    ["a tag that names no version", "hashicorp/consul:local", "1.22.7"],
    ["another base, with another user", "hashicorp/consul:1.22.7-ubi", "1.22.7"],
    ["a prerelease", "hashicorp/consul:1.22.0-rc1", "1.22.0-rc1"],
    ["a minor version without a label", "hashicorp/consul:1.22", undefined],
    ["a label that says otherwise", "hashicorp/consul:1.22.7", "1.22.70"],
    ["a label of another minor version", "hashicorp/consul:1.2", "1.22.7"],
    ["a label that names no release", "hashicorp/consul:1.22", "1.22.7+ent"],
    [
      "a digest, which the tag may not match",
      `hashicorp/consul:1.22.7@sha256:${"0".repeat(64)}`,
      "1.22.7",
    ],
  ])("is not certain: %s", (_, reference, version) => {
    expect(namedRelease({ reference, ...(version && { version }) })).toBeUndefined();
  });
});
