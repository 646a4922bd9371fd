import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";
import { secretsInMapping, secretsInText } from "../../../src/inputs/secret-settings.ts";

const pem = "-----BEGIN PRIVATE KEY-----\nMHc\n-----END PRIVATE KEY-----";

/** What is masked for these inputs, and the messages if they are refused. */
function maskedBy(inputs: Readonly<Record<string, string>>, files: Record<string, string> = {}) {
  const masked: string[] = [];
  const messages: string[] = [];
  try {
    parseInputs(
      (name) => inputs[name] ?? inputDefaults[name] ?? "",
      (path) => Buffer.from(files[path] ?? ""),
      (secret) => masked.push(secret),
    );
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    messages.push(error.message);
  }
  return { masked, messages };
}

const configuration = {
  acl: {
    enabled: true,
    enable_token_persistence: true,
    token_ttl: "30s",
    tokens: {
      initial_management: "one",
      default: "two",
      managed_service_provider: [{ secret_id: "three" }],
    },
  },
  encrypt: "four==",
  encrypt_verify_incoming: false,
  auto_encrypt: { dns_san: ["public.example"] },
  license_path: "/license",
  connect: { ca_config: { private_key: pem } },
  retry_join: ["provider=aws tag_key=a secret_access_key=five"],
  log_level: "info",
};
const secrets = ["one", "two", "three", "four==", pem, "five"];

describe("the secrets of a configuration", () => {
  test("are found in a mapping", () => {
    expect(secretsInMapping(configuration)).toEqual(secrets);
  });

  test("are found in JSON", () => {
    expect(secretsInText(JSON.stringify(configuration))).toEqual(secrets);
  });

  test.each([
    'acl { tokens { default = "two" } }',
    'acl = { tokens = { default = "two" }, x = "y" }',
    '"acl" = { "tokens" { "agent" = "two" } } log_level = "info"',
    'acl { # "comment = "a\n // b = "c"\n /* token = "d" */ tokens { # x\n agent_recovery = "two" } }',
    'node_name = "a"\nencrypt = "two"\nlog_level = "info"',
    'token = <<EOF\ntwo\nEOF\nlog_level = "info"',
    'a = [{ secret_id = "two" }, { b = "c" }]\nd = "e"',
    'enable = true\ntoken = "two',
  ])("are found in HCL: %j", (text) => {
    expect(secretsInText(text)).toEqual(["two"]);
  });
});

describe("what is masked", () => {
  test("comes from the inputs and from all of the file", () => {
    const cluster = `
config: { encrypt: a1 }
server_config: { acl: { tokens: { default: a2 } } }
client_config: { license: a3 }
datacenters: [{ name: dc1, servers: 1, config: { acl: { tokens: { agent: a4 } } } }]
acl:
  tokens: [{ SecretID: a5, Description: app }]
  auth_methods:
    - { Name: k8s, Type: kubernetes, TokenLocality: global, Config: { ServiceAccountJWT: a14 } }
    - { name: sso, type: oidc, config: { OIDCClientSecret: a15, BoundAudiences: [app] } }
services: [{ name: web, token: a6 }]
config_entries: [{ Kind: inline-certificate, Name: web, PrivateKey: a7 }]
nodes:
  server-1:
    config: { encrypt: a11 }
    env: { API_TOKEN: a12, CONSUL_LOCAL_CONFIG: 'acl { tokens { agent = "a13" } }', TZ: UTC }
kv: { password: text }
`;
    const inputs = {
      cluster: "cluster.yml",
      config: 'acl { tokens { replication = "a8" } }',
      env: 'CONSUL_HTTP_TOKEN=a9\nCONSUL_LOCAL_CONFIG={"encrypt":"a10"}\nTZ=UTC',
    };
    const { masked, messages } = maskedBy(inputs, { "cluster.yml": cluster });
    expect(messages).toEqual([]);
    expect(masked.toSorted()).toEqual(
      [
        "a1",
        "a10",
        "a11",
        "a12",
        "a13",
        "a14",
        "a15",
        "a2",
        "a3",
        "a4",
        "a5",
        "a6",
        "a7",
        "a8",
        "a9",
      ].toSorted(),
    );
  });

  test.each([
    ["config: { encrypt: hush-hush }\nsevers: 1\n"],
    ["config: 'encrypt = \"hush-hush\"'\n"],
    ['config:\n  encrypt: "hush-hush"\n }\n'],
    ["acl: { tokens: [{ SecretID: hush-hush }], a: 1 }\n"],
  ])("includes the secrets of a file that is refused: %j", (cluster) => {
    const { masked, messages } = maskedBy({ cluster });
    expect(messages).toHaveLength(1);
    expect(messages.join()).not.toContain("hush");
    if (!cluster.startsWith("config: '")) expect(masked).toEqual(["hush-hush"]);
  });

  test("leaves nothing for a message about `config` or `env` to show", () => {
    const { masked, messages } = maskedBy({
      config: `encrypt = "hush-hush"${" ".repeat(130_000)}`,
      env: "CONSUL_HTTP_TOKEN=hush-hush\nhush-hush",
    });
    expect(masked).toEqual(["hush-hush"]);
    expect(messages.join()).toMatch(/`config` .*\n.*`env` /);
    expect(messages.join()).not.toContain("hush");
  });
});
