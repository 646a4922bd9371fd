import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/errors.ts";
import { entryCondition, keyCondition, sightOfKey } from "../../../src/wait/stored.ts";
import { consulThatAnswers, withAnswers } from "../find/fixtures.ts";

const noOutputs = () => "";

describe("a key", () => {
  test.each<[string, string | undefined, string | undefined, object]>([
    ["that is not set", undefined, undefined, { holds: false, seen: "not set" }],
    ["of any value", undefined, " 1\n", { holds: true, seen: "set", value: " 1\n" }],
    ["of any value, though empty", undefined, "", { holds: true, seen: "set", value: "" }],
    ["of the wanted value", "yes", "yes", { holds: true, seen: "as wanted", value: "yes" }],
    ["with a line feed", "yes", "yes\n", { holds: true, seen: "as wanted", value: "yes\n" }],
    ["of another value", "yes", "yes!", { holds: false, seen: "another value" }],
  ])("%s", (_, value, found, expected) => {
    const bytes = found === undefined ? undefined : Buffer.from(found);
    expect(sightOfKey({ key: "a", value }, bytes)).toEqual(expected);
  });

  const instead = (value: string | undefined, answers: Readonly<Record<string, unknown>>) =>
    withAnswers(answers, (consul) =>
      keyCondition({ key: "app/ready", value }).instead(consul, noOutputs),
    );

  test("what is there instead: its value, or the key that was meant", async () => {
    const entry = { Key: "app/ready", Value: Buffer.from("no\n").toString("base64") };
    const set = { "/v1/kv/app/ready?stale=": [entry] };
    expect(await instead("yes", set)).toEqual(['its value is "no\\n"']);
    expect(await instead(undefined, set)).toEqual([]);
    const others = { "/v1/kv/app/ready?stale=": [], "/v1/kv/?keys=&stale=": ["b", "app/raedy"] };
    expect(await instead(undefined, others)).toEqual([
      "there is no such key; did you mean `app/raedy`?",
    ]);
  });
});

describe("a configuration entry", () => {
  const answering = (status: number, body: unknown) =>
    consulThatAnswers((_, response) => {
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  const condition = (kind: string) => entryCondition({ kind, name: "web" });

  test("is there or not", async () => {
    const there = await answering(200, { Kind: "service-defaults", Name: "web" });
    expect(await condition("service-defaults").look(there, "stale")).toEqual({
      holds: true,
      seen: "there",
    });
    const missing = await answering(404, 'Config entry not found for "service-defaults" / "web"');
    expect(await condition("service-defaults").look(missing, "stale")).toEqual({
      holds: false,
      seen: "not there",
    });
  });

  test.each([
    ["service-default", "Did you mean `service-defaults`?"],
    ["mesh", "It came with Consul 1.10."],
    ["x", "Kinds are service-defaults, "],
  ])("of the kind %s ends the wait at once, if Consul does not know it", async (kind, hint) => {
    const consul = await answering(500, `invalid config entry kind: ${kind}`);
    const error = await condition(kind)
      .look(consul, "stale")
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toContain(
      `Input \`config-entry\` names the kind "${kind}", which this cluster's Consul does not know. ${hint}`,
    );
  });

  test("what is there instead: the entries of its kind", async () => {
    const names = [{ Name: "api" }, { Name: "wep" }];
    const consul = await consulThatAnswers(({ url = "" }, response) => {
      const isList = url.startsWith("/v1/config/service-defaults?");
      response.writeHead(isList ? 200 : 404).end(JSON.stringify(names));
    });
    expect(await condition("service-defaults").instead(consul, noOutputs)).toEqual([
      "there is no such service-defaults entry; did you mean `wep`?",
    ]);
  });
});
