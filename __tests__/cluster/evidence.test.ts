/** What someone who debugs finds: files and log groups, without secrets. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testInputs, up } from "../support/cluster.ts";
import { docker } from "../support/engine.ts";
import { RecordedJob } from "../support/record.ts";

let temp: string;
beforeEach(() => {
  temp = mkdtempSync(join(tmpdir(), "evidence-"));
});
afterEach(() => rmSync(temp, { recursive: true, force: true }));

const options = () => ({ env: { RUNNER_TEMP: temp } });
const secret = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
const files = [
  "client-1.json",
  "client-1.log",
  "leader.json",
  "members.json",
  "raft.json",
  "server-1.json",
  "server-1.log",
];

test("a job that fails later: files and groups in post, newest problem first, without secrets", async () => {
  const config = `{"encrypt": "${secret}"}`;
  const inputs = { servers: "1", clients: "1", config, env: "MY_TOKEN=tiny" };
  const { job, outputs, nodes, down } = await up(inputs, options());
  const folder = outputs.logs ?? "";
  expect(folder.startsWith(temp)).toBe(true);
  expect(existsSync(folder)).toBe(false);
  await docker("kill", nodes[1]?.container ?? "");
  job.status = "failure";
  const { log } = await down();
  expect(readdirSync(folder).sort()).toEqual(files);
  const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("");
  expect(text).not.toContain(secret);
  expect(text).not.toContain("tiny");
  expect(text).toContain("MY_TOKEN=***");
  expect(log).not.toContain(secret);
  const groups = log.match(/^::group::.*$/gm);
  expect(groups).toEqual(["::group::client-1 exited with code 137", "::group::server-1 running"]);
  expect(readFileSync(join(folder, "server-1.log"), "utf8")).toContain("Consul agent running");
  const members = JSON.parse(readFileSync(join(folder, "members.json"), "utf8"));
  expect(members["server-1"]).toHaveLength(2);
});

test("a job that passed writes nothing, unless `logs: always`", async () => {
  const quiet = await up({ servers: "1" }, options());
  expect((await quiet.down()).log).not.toContain("::group::");
  expect(existsSync(quiet.outputs.logs ?? "")).toBe(false);
  const always = await up({ servers: "1", logs: "always" }, options());
  expect((await always.down()).log).toContain("::group::server-1 running");
  expect(readdirSync(always.outputs.logs ?? "")).toContain("server-1.log");
});

test("a main step that fails has written them before the next step, and says where", async () => {
  const job = new RecordedJob(options());
  // An address that the container doesn't have.
  const config = 'serf_lan = "192.0.2.1"';
  const failed = await job.main(testInputs({ servers: "1", config }));
  expect(failed.exitCode).toBe(1);
  expect(readFileSync(join(failed.outputs.logs ?? "", "server-1.log"), "utf8")).toContain(
    "192.0.2.1",
  );
  await job.post();
  const never = await job.main(testInputs({ servers: "1", config, logs: "never" }));
  expect(never.outputs.logs).toBe("");
  expect(never.log).not.toContain("::group::server-1");
  await job.post();
  job.dispose();
});
