import fc from "fast-check";
import { expect, test } from "vitest";
import { parseImage } from "../../../src/docker/image-reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

test.each<[string, ReturnType<typeof parseImage>]>([
  ["consul", { repository: "consul" }],
  ["hashicorp/consul", { repository: "hashicorp/consul" }],
  ["hashicorp/consul:2.1", { repository: "hashicorp/consul", tag: "2.1" }],
  ["localhost/consul:1", { repository: "localhost/consul", tag: "1" }],
  ["localhost:5000/consul", { repository: "localhost:5000/consul" }],
  ["registry:5000/a/b/c:x_Y.z-1", { repository: "registry:5000/a/b/c", tag: "x_Y.z-1" }],
  ["Registry.Example:443/a", { repository: "Registry.Example:443/a" }],
  ["[::1]:5000/a:b", { repository: "[::1]:5000/a", tag: "b" }],
  ["a__b/c--d/e.f", { repository: "a__b/c--d/e.f" }],
  [`consul@${digest}`, { repository: "consul", digest }],
  [`a.b/consul:1@${digest}`, { repository: "a.b/consul", tag: "1", digest }],
  [`${"a".repeat(255)}:1`, { repository: "a".repeat(255), tag: "1" }],
])("%s is a reference", (text, parts) => {
  expect(parseImage(text)).toEqual(parts);
});

test.each([
  "",
  "-consul",
  "--privileged",
  "Consul",
  "a/B",
  "a//b",
  "/a",
  "a/",
  "a:",
  "a:-1",
  `a:${"1".repeat(129)}`,
  "a@sha256:abc",
  `a@sha512:${"0".repeat(128)}`,
  `a@${digest.toUpperCase()}`,
  "a b",
  "a\n",
  "a___b",
  "a.-b",
  "https://a/b",
  "a".repeat(256),
  "-a:1/b",
  "-:0/0:a.",
  "-a.b/c",
  "a-.b/c",
])("%j is none", (text) => {
  expect(parseImage(text)).toBeUndefined();
});

test("what is taken apart gives the same when put together, and is never an option", () => {
  const part = fc.stringMatching(/^[a-zA-Z0-9._:/@-]{1,30}$/);
  fc.assert(
    fc.property(part, (text) => {
      const parts = parseImage(text);
      fc.pre(parts !== undefined);
      const { repository, tag, digest } = parts;
      expect(`${repository}${tag ? `:${tag}` : ""}${digest ? `@${digest}` : ""}`).toBe(text);
      expect(text).not.toMatch(/^-/);
    }),
  );
});
