/** What up and down know and say without a cluster: the rest is in __tests__/cluster/up.test.ts. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readAction } from "../../../script/action.ts";
import { readCommandLine } from "../../../script/command-line.ts";
import { forget, idOf, remember, remembered } from "../../../script/local/clusters.ts";
import { askedFor, upLine } from "../../../script/local/flags.ts";
import type { Home } from "../../../script/local/home.ts";
import { asEnv, asJson, asText } from "../../../script/local/show.ts";
import { root } from "../../../script/runner.ts";

const home: Home = {
  command: (name) => `npm run ${name}`,
  withFlags: (name, flags) => `npm run ${name} -- ${flags}`,
  records: "/nowhere",
  workspace: "/nowhere",
  prepare: () => {},
  image: () => undefined,
};

describe("flags", () => {
  const line = upLine(readAction(root), home);
  const asked = (...args: string[]) => {
    const outcome = readCommandLine(line, args, {});
    return outcome.kind === "values" ? askedFor(outcome.values) : outcome;
  };

  test("are the action's inputs, and those with true or false may stand alone", () => {
    expect(asked("--tls", "--servers", "3", "--export-env=false", "--acl", "true")).toEqual({
      inputs: { tls: "true", servers: "3", "export-env": "false", acl: "true" },
      format: "text",
    });
  });

  test.each([
    [["--json"], "json"],
    [["--format", "env"], "env"],
    [["--json=false"], "text"],
  ])("%j chooses the format", (args, format) => {
    expect(asked(...args)).toEqual({ inputs: {}, format });
  });

  test.each(["--cleanup", "--job-status", "--job-network"])("%s would only do harm", (flag) => {
    expect(asked(`${flag}=x`)).toMatchObject({ kind: "refused" });
  });

  test("--help has their descriptions and defaults", () => {
    const outcome = readCommandLine(line, ["--help"], {});
    expect(outcome.kind === "help" && outcome.text).toMatch(/--servers\n {6}.*\(default: 3\)/);
    expect(outcome.kind === "help" && outcome.text).toMatch(/--cli\n {6}.*\(default: true\)/);
  });
});

describe("records", () => {
  let [records, temp] = ["", ""];
  beforeEach(() => {
    records = join(mkdtempSync(join(tmpdir(), "records-")), "new");
    temp = mkdtempSync(join(tmpdir(), "up-"));
  });
  afterEach(() => {
    rmSync(join(records, ".."), { recursive: true });
    rmSync(temp, { recursive: true, force: true });
  });

  test("of a cluster are gone with it, and so is its folder", () => {
    expect(remembered(records)).toEqual([]);
    const cluster = { temp, given: {}, inputs: { acl: "true" }, state: { "cluster-id": "ab" } };
    remember(records, cluster);
    const [known] = remembered(records);
    expect(known).toMatchObject({ ...cluster, outputs: {} });
    forget(records, cluster);
    expect(remembered(records)).toEqual([]);
    expect(existsSync(temp)).toBe(false);
  });

  test("with the secrets of a cluster are for this user only", () => {
    remember(records, { temp, given: {}, inputs: {} });
    const [known] = remembered(records);
    expect(statSync(known?.file ?? "").mode & 0o777).toBe(0o600);
    expect(statSync(records).mode & 0o777).toBe(0o700);
  });

  test("tell the ID of a cluster whose up was killed, from what its step saved first", () => {
    remember(records, { temp, given: {}, inputs: {} });
    expect(remembered(records).map(idOf)).toEqual([""]);
    mkdirSync(join(temp, "step-1"));
    writeFileSync(join(temp, "step-1/state"), "cluster-id=ab\ncleanup=true\n");
    expect(remembered(records).map(idOf)).toEqual(["ab"]);
  });
});

const cluster = {
  temp: "/tmp/up-1",
  given: {},
  inputs: {},
  state: { "cluster-id": "ab12" },
  outputs: {
    "http-address": "http://127.0.0.1:8500",
    nodes: '[{"name":"server-1","container":"c1","http":"http://127.0.0.1:8500","role":"server"}]',
  },
  env: { CONSUL_HTTP_ADDR: "http://127.0.0.1:8500", ODD: 'it\'s $HOME `id`\nand "more"' },
  path: ["/tmp/up-1/it's here"],
};

test("lines for a shell give it exactly these values, and keep its PATH", () => {
  const script = `${asEnv(cluster)}\nprintf '%s|' "$CONSUL_HTTP_ADDR" "$ODD" "$PATH"`;
  const said = execFileSync("/bin/sh", ["-c", script], {
    encoding: "utf8",
    env: { PATH: "/x:/y" },
  });
  expect(said).toBe(`http://127.0.0.1:8500|${cluster.env.ODD}|${cluster.path[0]}:/x:/y|`);
  expect(asEnv({ env: {}, path: [] })).toBe("");
});

test("JSON has the ID, the outputs, and the nodes as objects", () => {
  expect(JSON.parse(asJson(cluster))).toEqual({
    id: "ab12",
    outputs: { "http-address": "http://127.0.0.1:8500" },
    nodes: [{ name: "server-1", container: "c1", http: "http://127.0.0.1:8500", role: "server" }],
    env: cluster.env,
    path: cluster.path,
    consul: "/tmp/up-1/it's here/consul",
  });
  expect(JSON.parse(asJson({ ...cluster, path: [] }))).toMatchObject({ consul: null });
});

test("text has the nodes, the members, and what to type next", () => {
  const text = asText(cluster, "Node  Status\nserver-1  alive\n", home);
  expect(text).toContain("\n  server-1  http://127.0.0.1:8500  c1\n");
  expect(text).toContain("\n  server-1  alive\n");
  expect(text).toContain('\n  shell   eval "$(npm run --silent up -- --format env)"\n');
  expect(text).toContain("\n  remove  npm run down -- ab12");
});
