import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { inputDefaults } from "../../../src/inputs/input-definitions.ts";
import { parseInputs } from "../../../src/inputs/inputs.ts";

const uuid = "8F6E2C1a-0b9d-4e53-a7c4-12d3e4f5a6b7";

function read(inputs: Readonly<Record<string, string>>) {
  const masked: string[] = [];
  const text = (name: string) => inputs[name] ?? inputDefaults[name] ?? "";
  try {
    const { spec } = parseInputs(text, undefined, (secret) => masked.push(secret));
    return { security: spec.security, masked, messages: [] };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { masked, messages: error.problems.map(({ message }) => message) };
  }
}

describe("tls", () => {
  test.each([
    ["false", false],
    ["true", { isMutual: false, ca: undefined }],
    ["mutual", { isMutual: true, ca: undefined }],
  ] as const)("%s", (tls, expected) => {
    expect(read({ tls }).security?.tls).toEqual(expected);
    expect(read({ cluster: `tls: ${tls}\n` }).security?.tls).toEqual(expected);
  });

  test.each(["Mutual", "verify", ""])("is nothing else: %j", (tls) => {
    expect(read({ tls }).messages).toEqual([
      `Input \`tls\` is ${JSON.stringify(tls)}: it must be true, false, or mutual. For example: \`tls: mutual\`.`,
    ]);
    expect(read({ cluster: `tls: "${tls}"\n` }).messages.join()).toContain(
      "it must be `true`, `false`, or `mutual`",
    );
  });

  test("is the same in the file and in the input, or refused", () => {
    expect(read({ tls: "true", cluster: "tls: mutual\n" }).messages).toEqual([
      expect.stringContaining("`tls` is mutual here, but input `tls` is true"),
    ]);
  });

  test.each([
    "verify_incoming_https = true",
    "verify_incoming = true",
    "tls { https { verify_incoming = true } }",
    "tls { defaults { verify_incoming = true } }",
  ])("is the only way to ask callers for a certificate: %s", (config) => {
    expect(read({ tls: "true", config }).messages.join()).toContain("use `tls: mutual`");
    expect(read({ tls: "mutual", config }).messages).toEqual([]);
  });
});

describe("management-token", () => {
  test("is the token of a cluster with ACLs, and is masked", () => {
    const inputs = { acl: "true", "management-token": uuid };
    expect(read(inputs).security?.acl).toEqual({ managementToken: uuid });
    expect(read(inputs).masked).toContain(uuid);
    expect(read({ "management-token": uuid, cluster: "acl: true\n" }).messages).toEqual([]);
  });

  test("is a new one if it is empty", () => {
    expect(read({ acl: "true" }).security?.acl).toEqual({ managementToken: undefined });
  });

  test.each(["root", `${uuid}0`, `{${uuid}}`, uuid.replaceAll("-", ""), `${uuid}\n${uuid}`])(
    "is refused unless it is a UUID, and never quoted: %j",
    (token) => {
      const { messages, masked } = read({ acl: "true", "management-token": token });
      expect(messages).toEqual([
        expect.stringMatching(/^Input `management-token` is not valid: it must be a UUID/),
      ]);
      expect(messages.join()).not.toContain(token);
      expect(masked).toContain(token);
    },
  );

  test.each([{}, { acl: "true", cluster: "acl: false\n" }, { cluster: "servers: 1\n" }])(
    "is refused without ACLs: %o",
    (inputs) => {
      const { messages, masked } = read({ ...inputs, "management-token": uuid });
      expect(messages.join()).toContain("acl");
      expect(messages.join()).not.toContain(uuid);
      expect(masked).toContain(uuid);
    },
  );

  test("is not the secret of a declared token, too", () => {
    const cluster = `acl:\n  tokens:\n    - { Description: app, secret_id: "${uuid}" }\n`;
    const { messages } = read({ cluster, "management-token": uuid });
    expect(messages).toEqual([
      "Input `cluster`:3:7: `SecretID` of `acl.tokens[0] (app)` is the token of the input `management-token`: give it another one, or leave the token out.",
    ]);
  });

  test.each([
    'acl { tokens { initial_management = "x" } }',
    'acl = { tokens = { master = "x" } }',
    '{"acl_master_token": "x"}',
  ])("is the only way to choose the token: %s", (config) => {
    expect(read({ acl: "true", config }).messages.join()).toMatch(
      /^Input `config`, line 1, column \d+: `[a-z_.]+` can't be set here: use the input `management-token`\.$/,
    );
    expect(read({ config }).messages).toEqual([]);
  });
});

describe("license", () => {
  const license = "02MV4UU43BK5HGYYTOJZWFQMTMNNEWU33JJVVDCMKOPJLE22SNGVGXU";
  const images = (inputs: Readonly<Record<string, string>>) => {
    const all: Readonly<Record<string, string>> = { license, ...inputs };
    return parseInputs((name) => all[name] ?? inputDefaults[name] ?? "").spec.images;
  };

  test("is for agents, and masked", () => {
    const { security, masked } = read({ license });
    expect(security?.license).toBe(license);
    expect(masked).toEqual([license]);
    expect(read({}).security).not.toHaveProperty("license");
  });

  test.each(["consul.hclic", "a b", "line\nline"])(
    "is refused if it can't be one, and never quoted: %j",
    (text) => {
      const { messages, masked } = read({ license: text });
      expect(messages).toEqual([
        expect.stringMatching(/^Input `license` is not valid: it must be/),
      ]);
      expect(messages.join()).not.toContain(text);
      expect(masked).toContain(text);
    },
  );

  test.each([
    [{}, "hashicorp/consul-enterprise:latest"],
    [{ version: "1.22" }, "hashicorp/consul-enterprise:1.22-ent"],
    [{ version: "1.22.7-ubi" }, "hashicorp/consul-enterprise:1.22.7-ent-ubi"],
    [{ version: "1.22-ent" }, "hashicorp/consul-enterprise:1.22-ent"],
    [{ version: "1.9.0-ent-beta1" }, "hashicorp/consul-enterprise:1.9.0-ent-beta1"],
    [{ version: "1.22", image: "me/consul" }, "me/consul:1.22"],
    [{ image: "hashicorp/consul:1.22" }, "hashicorp/consul:1.22"],
    [{ cluster: "{ image: me/consul, version: '1.22' }" }, "me/consul:1.22"],
    [{ cluster: "version: '1.22'\n" }, "hashicorp/consul-enterprise:1.22-ent"],
  ])("chooses the edition's image: %o", (inputs, image) => {
    expect(images(inputs)).toEqual([image]);
  });

  test("is one license_path, and no other", () => {
    const config = 'license_path = "/x"';
    expect(read({ license, config }).messages).toEqual([
      expect.stringContaining("`license_path` can't be set here: leave it out"),
    ]);
    expect(read({ config }).messages).toEqual([]);
  });
});
