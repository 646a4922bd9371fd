import { expect, test } from "vitest";
import { mirrored } from "../../../src/docker/find-image.ts";

test("the second registry stands in for Docker Hub's hashicorp/consul only", () => {
  const mirrors = new Map([["hashicorp/consul", "example.org/consul"]]);
  expect(mirrored("hashicorp/consul:1.20", mirrors)).toBe("example.org/consul:1.20");
  expect(mirrored("docker.io/hashicorp/consul:1.20", mirrors)).toBe("example.org/consul:1.20");
  expect(mirrored("consul:1.4.4", mirrors)).toBeUndefined();
  expect(mirrored("example.net/hashicorp/consul:1.20", mirrors)).toBeUndefined();
});

test("both names of Consul's own image have one, however they are written", () => {
  const [current, older] = ["hashicorp/consul", "docker/library/consul"].map(
    (name) => `public.ecr.aws/${name}:1.4.4`,
  );
  expect(mirrored("hashicorp/consul:1.4.4")).toBe(current);
  for (const name of [
    "consul",
    "library/consul",
    "docker.io/library/consul",
    "index.docker.io/consul",
  ])
    expect(mirrored(`${name}:1.4.4`)).toBe(older);
  expect(mirrored("my/consul:1.4.4")).toBeUndefined();
});
