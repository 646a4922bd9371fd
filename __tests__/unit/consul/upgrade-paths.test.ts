import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dedicatedPaths,
  isSupported,
  knownFaultOf,
  knownFaults,
  losesRaftLog,
  stopsBetween,
} from "../../../src/consul/upgrade-paths.ts";
import { isOlder } from "../../../src/consul/version-number.ts";

describe("upgrade paths of the community edition", () => {
  test.each([
    ["1.4.4", "1.6.5", []],
    ["1.4.4", "1.6.10", []],
    ["1.4.4", "1.7.14", ["1.6.10"]],
    ["1.4.4", "1.8.19", ["1.6.10"]],
    ["1.4.4", "1.10.12", ["1.6.10", "1.8.19"]],
    // The example of Consul's documentation, from 1.4 on.
    ["1.4.4", "1.12.9", ["1.6.10", "1.8.19", "1.10.12"]],
    ["1.5.0", "1.7.2", []],
    ["1.6.9", "1.9.0", ["1.8.19"]],
    ["1.6.10", "1.9.0", ["1.8.19"]],
    ["1.7.14", "1.10.12", ["1.8.19"]],
    ["1.8.7", "1.8.8", []],
    ["1.8.7", "1.10.0", []],
    ["1.8.7", "1.11.0", ["1.10.12"]],
    ["1.8.7", "1.22.7", ["1.10.12", "1.12", "1.14", "1.16", "1.18", "1.20"]],
    ["1.10.0", "1.13.1", ["1.12"]],
    ["1.12.0", "1.15.0", ["1.14"]],
    ["1.15.11", "1.18.2", ["1.17"]],
    ["1.18.2", "2.1.0-dev", ["1.20", "1.22"]],
    ["1.20.6", "2.0.0", ["1.22"]],
    ["1.21.4", "2.0.0", []],
    ["1.21.4", "2.1.0", ["2.0"]],
    ["1.22.7", "2.1.0", []],
    ["1.22.7", "2.2.0", ["2.1"]],
    ["1.22.7", "1.8.7", []],
    // No rule says how far that is.
    ["1.22.7", "3.0.0", []],
  ])("from %s to %s: %j", (from, to, stops) => {
    expect(stopsBetween(from, to)).toEqual(stops);
    expect(isSupported(from, to)).toBe(stops.length === 0);
  });
});

describe("upgrade paths of Enterprise", () => {
  test.each([
    ["1.15.3", "1.18.2+ent", []],
    ["1.15.3", "1.21.7+ent", ["1.18-ent"]],
    ["1.18.3", "1.21.7+ent", []],
    ["1.18.3", "1.22.1+ent", ["1.21.7-ent"]],
    ["1.15.3", "2.0.0+ent", ["1.18-ent", "1.21.7-ent"]],
    ["1.16.3", "1.19.4+ent", ["1.18-ent"]],
    ["1.14.3", "1.17.4+ent", ["1.16-ent"]],
    ["1.21.5", "2.0.0+ent", ["1.21.7-ent"]],
    ["1.21.8", "2.0.0+ent.fips1402", []],
    ["1.20.1", "2.0.0+ent", ["1.21.7-ent"]],
  ])("from %s to %s: %j", (from, to, stops) => {
    expect(stopsBetween(from, to)).toEqual(stops);
    expect(isSupported(from, to)).toBe(stops.length === 0);
  });

  test("other build metadata does not make a version Enterprise", () => {
    expect(isSupported("1.15.3", "1.18.2+ce")).toBe(false);
    expect(isSupported("1.15.3", "1.18.2+ent")).toBe(true);
  });
});

const release = fc
  .oneof(
    fc.tuple(fc.constant(1), fc.integer({ min: 4, max: 22 }), fc.integer({ min: 0, max: 25 })),
    fc.tuple(fc.constant(2), fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 9 })),
  )
  .map((parts) => parts.join("."));

/** The newest release that a stop's tag may be. */
const whole = (tag: string) => {
  const stop = tag.replace("-ent", "");
  return stop.split(".").length === 3 ? stop : `${stop}.99`;
};

test.each(["", "+ent"])(
  "stops of %j are newer and newer, and each jump between them is supported",
  (edition) => {
    const property = fc.property(release, release, (from, wanted) => {
      const to = wanted + edition;
      const stops = stopsBetween(from, to).map((stop) => whole(stop) + edition);
      const all = [from, ...stops, to];
      for (const [index, next] of all.slice(1).entries()) {
        const at = all[index] ?? "";
        expect(isSupported(at, next), `${at} to ${next}`).toBe(true);
        if (stops.length > 0) expect(isOlder(at, next), `${at} before ${next}`).toBe(true);
      }
    });
    fc.assert(property, { numRuns: 3000 });
  },
);

test("dedicated destinations are supported from the whole range that the documentation gives", () => {
  for (const { from, to } of dedicatedPaths)
    for (const start of from) expect(isSupported(start, to), `${start} to ${to}`).toBe(true);
  // Three majors, but with instructions of its own.
  expect(isSupported("1.3.1", "1.6.10")).toBe(true);
  expect(isSupported("1.3.1", "1.6.9")).toBe(false);
});

describe("known faults", () => {
  test("are found by the exact release, whatever its edition", () => {
    expect(knownFaults.flatMap(({ versions }) => versions)).toEqual([
      ...["1.7.0", "1.7.1", "1.12.1", "1.13.0", "1.16.5"],
      ...["1.17.2", "1.19.0", "1.19.1", "1.21.5", "1.22.4"],
    ]);
    expect(knownFaultOf("1.13.0")?.instead).toBe("1.13.1");
    expect(knownFaultOf("1.13.0+ent")?.instead).toBe("1.13.1");
    for (const version of ["1.13.1", "1.13.0-rc1", "1.130.0", "latest", ""])
      expect(knownFaultOf(version), version).toBeUndefined();
  });

  test("each has a reason, a source, and a newer version to use instead", () => {
    for (const { versions, reason, instead, source } of knownFaults) {
      expect(reason).toMatch(/^[A-Z].*\.$/);
      expect(source).toMatch(/^https:/);
      for (const version of versions)
        expect(isOlder(version, whole(instead.split(",")[0] ?? "")), version).toBe(true);
    }
  });
});

test.each([
  ["1.22.7", "1.18.2", true],
  ["1.20.0", "1.19.2", true],
  ["2.1.0", "1.4.4", true],
  ["1.20.0-rc1", "1.19.0", true],
  ["1.22.7", "1.20.0", false],
  ["1.19.2", "1.8.7", false],
])("a downgrade from %s to %s loses Raft's log: %s", (from, to, isLost) => {
  expect(losesRaftLog(from, to)).toBe(isLost);
});
