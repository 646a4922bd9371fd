import { describe, expect, test } from "vitest";
import { givesTokens } from "../../../src/inputs/config-fragments.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";

const gives = (inputs: Readonly<Record<string, string>>) =>
  givesTokens(parseInputs((name) => inputs[name] ?? inputDefaults[name] ?? "").spec);

describe("agents have tokens from the user", () => {
  test.each<Record<string, string>>([
    { config: 'acl { tokens { default = "anonymous" } }' },
    { config: '{"acl": {"tokens": {"agent": "a"}}}' },
    { config: 'acl_token = "a"' },
    { config: 'acl_agent_token = "a"' },
    { env: 'CONSUL_LOCAL_CONFIG={"acl": {"tokens": {"default": "a"}}}' },
    { cluster: "config: { acl: { tokens: { default: a } } }\n" },
    { cluster: "server_config: { acl: { tokens: { agent: a } } }\n" },
    { cluster: "client_config: { acl_token: a }\n" },
    { cluster: "datacenters: [{ name: dc1, config: { ACL: { Tokens: { Default: a } } } }]\n" },
  ])("%j", (inputs) => {
    expect(gives(inputs)).toBe(true);
  });

  test.each<Record<string, string>>([
    {},
    { config: 'acl { token_ttl = "30s" enable_token_persistence = true }' },
    { config: 'acl { tokens { replication = "a" } }' },
    { config: '# token\nnode_meta { motto = "acl.tokens.default" }' },
    { config: 'service { name = "web" token = "a" }' },
    { config: 'default = "a"' },
    { cluster: "acl: { tokens: [{ Description: agent }] }\n" },
  ])("not with %j", (inputs) => {
    expect(gives(inputs)).toBe(false);
  });
});
