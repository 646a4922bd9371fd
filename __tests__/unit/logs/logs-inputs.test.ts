import { expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { logsInputDefaults, parseLogsInputs } from "../../../src/logs/logs-inputs.ts";

test("the cluster is an ID, or empty for all of the job", () => {
  expect(logsInputDefaults).toEqual({ cluster: "" });
  expect(parseLogsInputs(() => "")).toEqual({ cluster: "" });
  expect(parseLogsInputs(() => "0a1b2c3d")).toEqual({ cluster: "0a1b2c3d" });
  expect(() => parseLogsInputs(() => "a b")).toThrow(InputError);
});
