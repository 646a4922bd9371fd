import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { cliScript } from "../../../src/report/consul-command.ts";
import { plan } from "../plan/fixtures.ts";

describe("the consul command", () => {
  const labels = { job: 'it\'s "odd" $(touch /tmp/x) `y` \\' };

  test("is a script that a POSIX shell takes, whatever the job is called", () => {
    const script = cliScript(plan({ cli: "true" }, labels));
    expect(spawnSync("sh", ["-n"], { input: script }).status).toBe(0);
  });

  test("hands every word to docker as it is", () => {
    const script = cliScript(plan({ cli: "true" }, labels));
    const line = script.split("\n").find((each) => each.includes("docker run")) ?? "";
    const words = line.replace("docker run", "printf '%s\\n'").replace(/ >"\$new".*/, "");
    const { stdout } = spawnSync("sh", ["-c", words], { encoding: "utf8" });
    expect(stdout).toContain(`--label=job=${labels.job}\n`);
    expect(stdout).toContain('exec cat "$(command -v consul)"\n');
  });
});
