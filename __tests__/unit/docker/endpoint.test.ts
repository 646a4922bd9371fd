import { hostname } from "node:os";
import { expect, test } from "vitest";
import { isLocalEndpoint } from "../../../src/docker/endpoint.ts";

test.each([
  ["unix:///var/run/docker.sock", true],
  ["npipe:////./pipe/docker_engine", true],
  ["fd://", true],
  ["tcp://127.0.0.1:2375", true],
  ["tcp://localhost:2376", true],
  ["tcp://[::1]:2375", true],
  ["ssh://ci@127.0.0.1", true],
  ["ssh://ci@localhost:2222", true],
  ["tcp://runner-7:2375", true],
  ["tcp://10.0.0.7:2375", true],
  ["tcp://docker:2375", false],
  ["tcp://10.0.0.8:2375", false],
  ["ssh://ci@build-2", false],
  ["https://engine.example.com", false],
  ["", true],
])("%s is on this machine: %s", (endpoint, isLocal) => {
  expect(isLocalEndpoint(endpoint, ["runner-7", "10.0.0.7"])).toBe(isLocal);
});

test("this machine's own name is local", () => {
  expect(isLocalEndpoint(`tcp://${hostname()}:2375`)).toBe(true);
});
