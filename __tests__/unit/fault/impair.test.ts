import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { impair, meansOf, unimpair } from "../../../src/fault/impair.ts";
import type { Impairment } from "../../../src/fault/impairment.ts";
import { markVolume } from "../../../src/find/network-mark.ts";
import { facts, fakeDocker } from "../find/fixtures.ts";

const docker = () => new Engine(new AbortController().signal, () => {});

/**
 * An engine that can do these things: in the image, and with the programs of its machine.
 *
 * @returns the containers that were run, each without its scripts
 */
function engine(image: string, machine: string) {
  const folder = fakeDocker(`
    if [ "$1 $2" = "volume ls" ]; then cat volumes 2>/dev/null; fi
    if [ "$1" = image ]; then echo "no such image" >&2; exit 1; fi
    if [ "$1" = pull ]; then echo "pull $2" >>runs; fi
    if [ "$1" = run ]; then
      case "$*" in *destination=/engine*) place=machine;; *) place=image;; esac
      for each; do case "$each" in --network=*) network=$each;; esac; done
      echo "$*" >>scripts
      while [ "$1" != sh ]; do shift; done
      shift
      echo "$place $network $*" >>runs
      if [ "$network" = --network=none ]; then [ $place = image ] && echo "${image}" || echo "${machine}"; fi
    fi`);
  const runs = () => {
    const file = join(folder, "runs");
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
  };
  return { folder, runs };
}

const whole = "ip tc htb netem iptables";

describe("the means for an impairment", () => {
  const means = async (action: Impairment["action"], image: string, machine: string) => {
    engine(image, machine);
    const { method, place } = await meansOf(docker(), facts, action, "");
    return [method, place.options.length > 0 ? "machine" : "image"];
  };

  test("are those of the image, else those of the engine's machine", async () => {
    expect(await means("delay", whole, whole)).toEqual(["netem", "image"]);
    expect(await means("delay", "ip iptables", whole)).toEqual(["netem", "machine"]);
    expect(await means("bandwidth", "ip", "ip tc htb")).toEqual(["htb", "machine"]);
  });

  test("loss is made by iptables if the kernel has no netem", async () => {
    expect(await means("loss", whole, whole)).toEqual(["netem", "image"]);
    expect(await means("loss", "ip", "ip tc htb iptables")).toEqual(["iptables", "machine"]);
  });

  test("without them nothing is touched, and the message says what is missing", async () => {
    const failing = async (action: Impairment["action"], image: string, machine: string) => {
      const { runs } = engine(image, machine);
      const error = await meansOf(docker(), facts, action, "").catch((reason: unknown) => reason);
      expect(runs().filter((run) => !run.includes("--network=none"))).toEqual([]);
      return String(error);
    };
    expect(await failing("delay", "ip", "ip")).toMatch(/needs the programs `ip` and `tc`/);
    const noNetem = await failing("delay", "ip", "ip tc htb iptables");
    expect(noNetem).toMatch(/needs the kernel's netem .*Nothing was changed.*modprobe sch_netem/);
    expect(await failing("bandwidth", "ip", "ip tc iptables")).toMatch(/needs the kernel's HTB/);
    expect(await failing("loss", "ip", "ip tc htb")).toMatch(
      /nor iptables with its statistic match/,
    );
  });

  test("are looked for first in the image that the user names, which is pulled", async () => {
    const { runs } = engine(whole, whole);
    const { place } = await meansOf(docker(), facts, "delay", "me/tools:1");
    expect(place.image).toBe("me/tools:1");
    expect(runs()[0]).toBe("pull me/tools:1");
  });
});

describe("an impairment", () => {
  const argumentsOf = async (impairment: Impairment, can: string) => {
    const { runs } = engine(can, can);
    const means = await meansOf(docker(), facts, impairment.action, "");
    const node = { node: facts, ip: "10.0.0.2", others: ["10.0.0.3", "10.0.0.4"] };
    await impair(docker(), "c0ffee00", node, { impairment, means });
    return runs()
      .at(-1)
      ?.replace(/^.*--network=\S+ /, "")
      .trim();
  };

  test("is of what goes to other agents", async () => {
    const delay = { action: "delay", scope: "agents", latency: 100, jitter: 20 } as const;
    expect(await argumentsOf(delay, whole)).toBe(
      "10.0.0.2 10gbit delay 100ms 20ms 10.0.0.3 10.0.0.4",
    );
    const loss = { action: "loss", scope: "agents", percent: 5 } as const;
    expect(await argumentsOf(loss, whole)).toBe("10.0.0.2 10gbit loss 5% 10.0.0.3 10.0.0.4");
    expect(await argumentsOf(loss, "ip iptables")).toBe("10.0.0.2 0.05 10.0.0.3 10.0.0.4");
  });

  test("or of everything", async () => {
    const bandwidth = { action: "bandwidth", scope: "all", kilobits: 500 } as const;
    expect(await argumentsOf(bandwidth, whole)).toBe("10.0.0.2 500kbit");
  });

  test("is undone by the means that made it, which its mark names", async () => {
    const { folder, runs } = engine("ip", whole);
    writeFileSync(join(folder, "volumes"), `${markVolume(facts, "iptables")}\n`);
    await unimpair(docker(), "c0ffee00", { node: facts, ip: "10.0.0.2" }, "");
    expect(runs().at(-1)).toBe(`machine --network=container:${facts.Name} 10.0.0.2`);
    const scripts = readFileSync(join(folder, "scripts"), "utf8");
    expect(scripts).toContain("iptables -w -X CONSUL-CLUSTER-ACTION");
  });

  test("can't be undone without them, and the message says so", async () => {
    const { folder } = engine("ip", "ip");
    writeFileSync(join(folder, "volumes"), `${markVolume(facts, "netem")}\n`);
    const undone = unimpair(docker(), "c0ffee00", { node: facts, ip: "10.0.0.2" }, "");
    await expect(undone).rejects.toThrow("was changed with ip, tc, htb, netem");
  });
});
