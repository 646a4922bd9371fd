import { describe, expect, test } from "vitest";
import { stopsOf } from "../../../src/upgrade/step.ts";
import { orderProblems } from "../../../src/upgrade/target-image.ts";
import {
  parseUpgradeInputs,
  upgradeImages,
  upgradeInputDefaults,
  wrongVersions,
} from "../../../src/upgrade/upgrade-inputs.ts";

type Inputs = Readonly<Record<string, string>>;

const parsed = (inputs: Inputs) =>
  parseUpgradeInputs((name) => inputs[name] ?? upgradeInputDefaults[name] ?? "");

const images = (inputs: Inputs, current = "localhost:5000/consul:1.18") =>
  upgradeImages(parsed(inputs), current);

describe("the images to upgrade to", () => {
  test("are the given one, else the cluster's own with another tag", () => {
    expect(images({ version: "2.1" })).toEqual([["localhost:5000/consul:2.1"]]);
    expect(images({ image: "mine:7" })).toEqual([["mine:7"]]);
    expect(images({ image: "mine", version: "7" })).toEqual([["mine:7"]]);
    expect(() => images({})).toThrow("either `version`");
    expect(() => images({ image: "mine:7", version: "7" })).toThrow("either `version`");
  });

  test("of the official image are looked for under both of its names", () => {
    const both = (tag: string) => [`hashicorp/consul:${tag}`, `consul:${tag}`];
    expect(images({ version: "1.8.19", via: "1.6.10" }, "consul:1.4.4")).toEqual([
      both("1.6.10"),
      both("1.8.19"),
    ]);
    expect(images({ version: "1.22" }, "hashicorp/consul:1.20")).toEqual([both("1.22")]);
  });

  test("come after those of `via`, from the same repository", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    expect(images({ version: "2.1", via: " 1.20,1.22 " })).toEqual([
      ["localhost:5000/consul:1.20"],
      ["localhost:5000/consul:1.22"],
      ["localhost:5000/consul:2.1"],
    ]);
    expect(images({ image: `mine@${digest}`, via: "6\n7" })).toEqual([
      ["mine:6"],
      ["mine:7"],
      [`mine@${digest}`],
    ]);
  });
});

test("all that is wrong in `via` is said at once, with the other inputs", () => {
  const refused = () => parsed({ version: "2.1", via: "1.20, a/b, 1.20 -x", force: "perhaps" });
  expect(refused).toThrow(
    'Input `via` is "1.20, a/b, 1.20 -x" (not a tag: "a/b", not a tag: "-x", 1.20 twice): it must be a list of tags',
  );
  expect(refused).toThrow("Input `force`");
});

test("versions that Consul's own image can't have are refused once the image is known", () => {
  const spec = parsed({ version: "v2.1", via: "1.20.x, 1.22" });
  expect(wrongVersions(spec, "consul:1.15").map(({ input, message }) => [input, message])).toEqual([
    ["via", expect.stringContaining('`via` is "1.20.x"')],
    ["version", expect.stringContaining('Did you mean "2.1"?')],
  ]);
  expect(wrongVersions(spec, "mine:1")).toEqual([]);
});

const targets = (...versions: string[]) =>
  versions.map((version) => ({ version, image: `consul:${version}`, id: version }));

test("each version must be newer than the one before", () => {
  expect(orderProblems(targets("1.6.10", "1.8.19", "1.10.12"))).toEqual([]);
  expect(orderProblems(targets("1.22.7"))).toEqual([]);
  const problems = orderProblems(targets("1.8.19", "1.6.10", "1.10.12", "1.10.12+ent"));
  expect(problems.map(({ input, message }) => `${input}: ${message.split(". ")[0]}`)).toEqual([
    "via: Input `via` has 1.8.19 (consul:1.8.19) before 1.6.10 (consul:1.6.10), which is not newer",
    "via: Input `via` has 1.10.12 (consul:1.10.12) before 1.10.12+ent (consul:1.10.12+ent), which is not newer",
  ]);
});

test("the log counts the stops, if there is more than one", () => {
  expect(stopsOf(targets("1.20.6", "1.22.7")).map(({ name }) => name)).toEqual([
    "1.20.6, 1 of 2",
    "1.22.7, 2 of 2",
  ]);
  expect(stopsOf(targets("1.22.7")).map(({ name }) => name)).toEqual([""]);
});
