import { describe, expect, test } from "vitest";
import {
  dependsOnEntrypoint,
  type Entrypoint,
  ignoredUser,
  parseEntrypoint,
  questionArguments,
} from "../../../src/plan/entrypoint.ts";
import { planCluster } from "../../../src/plan/plan.ts";
import { argumentsOf, prerequisites, specOf } from "./fixtures.ts";

const withEnv = (...lines: readonly string[]) => specOf({ env: lines.join("\n") });
const folders = withEnv("CONSUL_DATA_DIR=/srv/data", "CONSUL_CONFIG_DIR=/etc/app");

const facts: Entrypoint = {
  uid: 100,
  gid: 1000,
  readsConfigDirectory: true,
  ownsDataDirectory: true,
};

test.each([
  [false, ""],
  [false, "A=b\nCONSUL_BIND_INTERFACE=eth1\nCONSUL_LOCAL_CONFIG={}"],
  [false, "CONSUL_DATA_DIR=/consul/data/\nCONSUL_CONFIG_DIR=/consul/config\nCONSUL_UID="],
  [true, "CONSUL_DATA_DIR=/data"],
  [true, "CONSUL_CONFIG_DIR=/etc/app"],
  [true, "CONSUL_GID=0"],
])("the entrypoint is asked: %s, with env %j", (isAsked, env) => {
  expect(dependsOnEntrypoint(withEnv(env))).toBe(isAsked);
});

test("the question goes to the image's entrypoint, with the agents' environment", () => {
  const image = { reference: "consul:1.4.4", entrypoint: ["docker-entrypoint.sh", "-x"] };
  const args = questionArguments(folders, image, prerequisites);
  expect(args.slice(-5)).toEqual([
    expect.stringContaining("#!/bin/sh"),
    "/srv/data",
    "/etc/app",
    ...image.entrypoint,
  ]);
  expect(args).toEqual(
    expect.arrayContaining(["--network=none", "--env=CONSUL_DATA_DIR=/srv/data"]),
  );
});

describe("an answer", () => {
  const answer = (...lines: readonly string[]) =>
    parseEntrypoint(["==> Found", ...lines.map((line) => `@ ${line}`), ""].join("\n"), folders);

  test("like that of today's image", () => {
    const given = ["argument -config-dir=/etc/app", "argument -help"];
    expect(answer("uid 4", "gid 5", "writes data", ...given)).toEqual({ ...facts, uid: 4, gid: 5 });
  });

  test("like that of an image from before September 2019", () => {
    expect(answer("uid 100", "gid 1000", "argument -config-dir=/consul/config")).toEqual({
      ...facts,
      readsConfigDirectory: false,
      ownsDataDirectory: false,
    });
  });

  test("is none if the script did not run", () => {
    expect(parseEntrypoint("Usage: consul agent [options]\n", folders)).toBeUndefined();
  });
});

describe("agents get the folders by flags", () => {
  const flagsFor = (entrypoint: Entrypoint | undefined, spec = folders) =>
    argumentsOf(
      planCluster(spec, { ...prerequisites, ...(entrypoint && { entrypoint }) }),
      "server-1",
    ).filter((argument) => /-(data|config)-dir=|_DIR=/.test(argument));

  test("the data directory always, the configuration only if the entrypoint does not read it", () => {
    const data = ["--env=CONSUL_DATA_DIR=/srv/data"];
    const read = [...data, "--env=CONSUL_CONFIG_DIR=/etc/app", "-data-dir=/srv/data"];
    expect(flagsFor(facts)).toEqual(read);
    expect(flagsFor(undefined)).toEqual(read);
    expect(flagsFor({ ...facts, readsConfigDirectory: false })).toEqual([
      ...data,
      "-data-dir=/srv/data",
      "-config-dir=/etc/app",
    ]);
  });

  test("and none that they have anyway", () => {
    expect(flagsFor(undefined, specOf())).toEqual([]);
  });
});

describe("another user", () => {
  test("is no problem if the entrypoint changes to it", () => {
    const spec = withEnv("CONSUL_UID=100", "CONSUL_GID=");
    expect(ignoredUser(spec, facts, "consul:1.4.4")).toBeUndefined();
  });

  test("is refused if it does not", () => {
    const spec = withEnv("CONSUL_UID=100", "CONSUL_GID=7");
    expect(ignoredUser(spec, facts, "consul:1.4.4")).toMatch(
      /^Input `env` sets CONSUL_GID=7, but the entrypoint of consul:1\.4\.4 runs Consul as user 100, group 1000/,
    );
  });
});
