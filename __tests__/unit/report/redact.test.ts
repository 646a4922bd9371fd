import { describe, expect, test } from "vitest";
import { redact, secretsIn } from "../../../src/report/redact.ts";

describe("secrets", () => {
  const key = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
  test("are found in variables and in configuration", () => {
    const found = secretsIn(
      ["CONSUL_HTTP_TOKEN=abcdef-123", "CONSUL_DATA_DIR=/consul/data"],
      [
        `{"encrypt": "${key}", "log_level": "info"}`,
        'acl { tokens { agent_token = "t0ken-of-agent" } }',
      ],
    );
    expect(found).toEqual(["abcdef-123", key, "t0ken-of-agent"]);
  });
  test("are replaced wherever they stand", () => {
    expect(redact(`joined with ${key}!`, [key])).toBe("joined with ***!");
    expect(redact('encrypt = "short"', [])).toBe('encrypt = "***"');
    expect(redact('"-hcl={\\"encrypt\\":\\"abc=\\"}"', [])).toBe(
      '"-hcl={\\"encrypt\\":\\"***\\"}"',
    );
    const pem = "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----";
    expect(redact(`a ${pem} b`, [])).toBe("a *** b");
  });
  test("leave ordinary lines alone", () => {
    const line = "2026-11-23 [INFO] agent: Started DNS server: address=0.0.0.0:8600 network=udp";
    expect(redact(line, secretsIn(["CONSUL_BIND_INTERFACE=eth0"], []))).toBe(line);
  });
});
