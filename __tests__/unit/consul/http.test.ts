import { expect, test } from "vitest";
import { reasonOf } from "../../../src/consul/http.ts";

test.each([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "not listening yet"],
  ["ENOTFOUND", "host name not found on the network"],
  ["EHOSTUNREACH", "no route to its address"],
  ["ENETUNREACH", "no route to its address"],
  ["ABORT_ERR", "no answer within 2 s"],
  ["EPIPE", "write EPIPE"],
])("a request that failed with %s got: %s", (code, reason) => {
  const error = Object.assign(new Error(code === "EPIPE" ? "write EPIPE" : "raw"), { code });
  expect(reasonOf(error, 2000)).toBe(reason);
});
