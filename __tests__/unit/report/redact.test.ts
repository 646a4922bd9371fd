import { describe, expect, test } from "vitest";
import { redact, secretsIn } from "../../../src/report/redact.ts";
import { cpuTime } from "../inputs/cpu-time.ts";

describe("secrets", () => {
  const key = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
  const pem = "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----";

  test("are found in variables and in configuration", () => {
    const found = secretsIn(
      ["CONSUL_HTTP_TOKEN=abcdef-123", "CONSUL_DATA_DIR=/consul/data"],
      [
        `{"encrypt": "${key}", "log_level": "info"}`,
        'acl { tokens { agent_token = "t0ken-of-agent", default = "t0ken-by-default" } }',
      ],
    );
    expect(found).toEqual(["abcdef-123", key, "t0ken-of-agent", "t0ken-by-default"]);
  });

  test("are replaced wherever they occur", () => {
    expect(redact(`joined with ${key}!`, [key])).toBe("joined with ***!");
    expect(redact('encrypt = "short"', [])).toBe('encrypt = "***"');
    expect(redact('"-hcl={\\"encrypt\\":\\"abc=\\"}"', [])).toBe(
      '"-hcl={\\"encrypt\\":\\"***\\"}"',
    );
    expect(redact(`a ${pem} b ${pem} c`, [])).toBe("a *** b *** c");
  });

  test("are replaced to their end, with escapes in them", () => {
    expect(redact(JSON.stringify({ private_key: pem, a: 1 }), [])).toBe(
      '{"private_key":"***","a":1}',
    );
    expect(redact(JSON.stringify({ token: 'a"b', a: 1 }), [])).toBe('{"token":"***","a":1}');
    const twice = JSON.stringify(JSON.stringify({ token: 'a"b', a: 1 }));
    expect(redact(twice, [])).toBe('"{\\"token\\":\\"***\\",\\"a\\":1}"');
  });

  test("include a private key whose end is missing", () => {
    expect(redact("a -----BEGIN PRIVATE KEY-----\nMHc+/=\nabc\n[INFO] b", [])).toBe(
      "a ***[INFO] b",
    );
  });

  test("leave ordinary lines alone", () => {
    const line = "2026-11-23 [INFO] agent: Started DNS server: address=0.0.0.0:8600 network=udp";
    expect(redact(line, secretsIn(["CONSUL_BIND_INTERFACE=eth0"], []))).toBe(line);
  });
});

describe("in well under a second", () => {
  const size = 1_000_000;
  /** Milliseconds of CPU time, ten times what it takes. Quadratic time would be minutes. */
  const limit = 1000;
  const filled = (part: string, length = size) => part.repeat(Math.ceil(length / part.length));
  const lines: Record<string, string> = {
    "a URL with a long key": `GET /v1/kv/${filled("a")}?dc=nope`,
    "one name": filled("token"),
    names: filled("token "),
    "names with signs": filled("token="),
    "names with spaces": `token${filled(" ")}token`,
    values: filled('token="a'),
    "escaped values": filled('token=\\"a\\\\'),
    quotes: filled('"'),
    "escaped quotes": filled('\\"'),
    backslashes: `token="${filled("\\")}`,
    dashes: filled("-"),
    "begins of keys": filled("-----BEGIN PRIVATE KEY-----"),
    "names of keys": `-----BEGIN ${filled("A ")}`,
    "begins of names of keys": filled("-----BEGIN "),
  };

  test.each(Object.keys(lines))("a line of %s is redacted, and cut", (name) => {
    let redacted = "";
    const took = cpuTime(() => {
      redacted = redact(lines[name] ?? "", ["an-unrelated-secret"]);
    });
    expect(took).toBeLessThan(limit);
    expect(redacted.length).toBeLessThan(70_000);
  });

  test("short lines stay whole, however many there are", () => {
    const log = filled("2026-11-23 [INFO] agent: Synced node info\n");
    expect(redact(log, [])).toBe(log);
  });

  test.each([
    '{"',
    'a = "',
    "token",
    "tokens {",
    '"\\"',
    '\\"',
    "/*",
    "//",
    "<<A\n",
    "<<token\n",
    "a ",
    "token = [",
    "a=",
  ])("a configuration of %j has its secrets found", (part) => {
    const took = cpuTime(() => secretsIn([filled(part, 110_000)], [filled(part, 110_000)]));
    expect(took).toBeLessThan(limit);
  });

  test("a configuration with thousands of secrets is redacted", () => {
    const tokens = Array.from({ length: 4500 }, (_, index) => `token = "secret-${index}"\n`);
    const secrets = secretsIn([], [tokens.join("")]);
    expect(secrets).toHaveLength(4500);
    const took = cpuTime(() => {
      expect(redact(filled("secret-17 in a log line\n"), secrets)).not.toContain("secret-17");
    });
    expect(took).toBeLessThan(limit);
  });

  test("a secret as long as a configuration is replaced", () => {
    const secret = filled("a.", 110_000);
    expect(redact(`x ${secret} y`, [secret, "other-secret"])).toBe("x *** y");
  });
});
