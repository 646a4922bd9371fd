import { describe, expect, test } from "vitest";
import { agentRules } from "../../../src/plan/security-config.ts";
import { updatedRules } from "../../../src/upgrade/agent-policies.ts";

const [old, current] = ["1.15.11", "2.1.0"].map((version) => agentRules("client-1", version));

describe("an upgrade updates an agent's rules", () => {
  test("to a version that needs more", () => {
    expect(updatedRules(old, "client-1", "2.1.0")).toBe(current);
  });

  test.each([
    ["to a version that needs no more", old, "2.0.3"],
    ["that are right already", current, "2.1.1"],
    ["that somebody changed", `${old} key_prefix "" { policy = "read" }`, "2.1.0"],
    ["of another node", agentRules("client-2", "1.15.11"), "2.1.0"],
    ["that it can't read", undefined, "2.1.0"],
  ])("but not those %s", (_, rules, version) => {
    expect(updatedRules(rules, "client-1", version)).toBeUndefined();
  });
});
