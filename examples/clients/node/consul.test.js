import assert from "node:assert/strict";
import { test } from "node:test";
import Consul from "consul";

// The library reads no variables. With `acl` and `tls`: docs/clients.md.
const { hostname: host, port } = new URL(process.env.CONSUL_HTTP_ADDR);
const consul = new Consul({ host, port: Number(port) });

test("a key can be read", async () => {
  await consul.kv.set("greeting", "hello");
  const pair = await consul.kv.get("greeting");
  assert.equal(pair.Value, "hello");
});
