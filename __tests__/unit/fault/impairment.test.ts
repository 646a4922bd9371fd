import { describe, expect, test } from "vitest";
import { faultInputDefaults, parseFaultInputs } from "../../../src/fault/fault-inputs.ts";
import { type Impairment, impairmentText } from "../../../src/fault/impairment.ts";

const parse = (inputs: Readonly<Record<string, string>>) =>
  parseFaultInputs(
    (name) => ({ target: "leader", ...inputs })[name] ?? faultInputDefaults[name] ?? "",
  );

describe("the inputs of delay, loss, and bandwidth", () => {
  test.each<[Readonly<Record<string, string>>, Impairment, string]>([
    [
      { action: "delay", latency: "100ms" },
      { action: "delay", scope: "agents", latency: 100, jitter: 0 },
      "delay by 100 ms",
    ],
    [
      { action: "delay", latency: "1s", jitter: "20ms", scope: "all" },
      { action: "delay", scope: "all", latency: 1000, jitter: 20 },
      "delay of everything by 1000 ms ± 20 ms",
    ],
    [
      { action: "loss", percent: "2.5%" },
      { action: "loss", scope: "agents", percent: 2.5 },
      "loss of 2.5%",
    ],
    [
      { action: "bandwidth", rate: "2mbit" },
      { action: "bandwidth", scope: "agents", kilobits: 2000 },
      "bandwidth of 2000 kbit/s",
    ],
  ])("%j", (inputs, impairment, text) => {
    expect(parse(inputs).fault).toMatchObject({ impairment });
    expect(impairmentText(impairment)).toBe(text);
    expect(parse({ ...inputs, for: "5s" }).hold?.undo).toBe("heal");
  });

  test.each([
    [
      { action: "delay" },
      "`latency` is empty, but `delay` needs it. For example: `latency: 100ms`.",
    ],
    [
      { action: "loss", latency: "1ms" },
      /`latency` is for `action: delay`.*\n.*`percent` is empty/,
    ],
    [
      { action: "kill", rate: "1mbit" },
      "`rate` is for `action: bandwidth`, but `action` is `kill`",
    ],
    [{ action: "kill", scope: "all" }, "`scope` is for delay, loss, bandwidth, but"],
    [{ action: "delay", latency: "10ms", jitter: "20ms" }, "more than `latency`"],
    [{ action: "delay", latency: "2s" }, "must be a time from 1ms to 1s, or empty"],
    [{ action: "delay", latency: "1001ms" }, "must be a time from 1ms to 1s, or empty"],
    [{ action: "loss", percent: "101" }, "must be a number from 0.01 to 100, or empty"],
    [{ action: "loss", percent: "0" }, "must be a number from 0.01 to 100, or empty"],
    [{ action: "bandwidth", rate: "fast" }, "must be a rate from 8kbit to 100000mbit a second"],
    [{ action: "kill", "tools-image": "-v /:/x" }, "must be an image with `tc`"],
  ])("%j is refused: %s", (inputs, message) => {
    expect(() => parse(inputs)).toThrow(message);
  });
});
