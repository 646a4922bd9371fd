import { expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { parseRemoveInputs, removeInputDefaults } from "../../../src/remove/remove-inputs.ts";

const parsed = (inputs: Readonly<Record<string, string>>) =>
  parseRemoveInputs((name) => inputs[name] ?? removeInputDefaults[name] ?? "");

test("the inputs of remove", () => {
  expect(parsed({ "job-status": "failure" })).toEqual({
    cluster: "",
    "export-env": true,
    logs: "failure",
    "job-status": "failure",
  });
  expect(parsed({ cluster: "0a1b2c3d", "export-env": "false", logs: "never" })).toMatchObject({
    cluster: "0a1b2c3d",
    "export-env": false,
    logs: "never",
  });
  expect(() => parsed({ cluster: "a b", logs: "perhaps" })).toThrow(InputError);
  expect(() => parsed({ cluster: "a b", logs: "perhaps" })).toThrow(/`cluster`.*\n.*`logs`/);
});
