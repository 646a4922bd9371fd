import { expect, test } from "vitest";
import { mirrored } from "../../../src/docker/find-image.ts";

test("the second registry stands in for Docker Hub's hashicorp/consul only", () => {
  const mirrors = new Map([["hashicorp/consul", "example.org/consul"]]);
  expect(mirrored("hashicorp/consul:1.20", mirrors)).toBe("example.org/consul:1.20");
  expect(mirrored("docker.io/hashicorp/consul:1.20", mirrors)).toBe("example.org/consul:1.20");
  expect(mirrored("consul:1.4.4", mirrors)).toBeUndefined();
  expect(mirrored("example.net/hashicorp/consul:1.20", mirrors)).toBeUndefined();
});
