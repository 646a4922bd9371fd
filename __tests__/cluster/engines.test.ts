/** Engines and CLIs that differ from Docker's own on this machine, played by a script as `docker`. */
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import * as z from "zod";
import { ownJob } from "../support/actions.ts";
import { errorsOf } from "../support/annotations.ts";
import { testInputs } from "../support/cluster.ts";
import { engineHoldings, run } from "../support/engine.ts";
import { scratch } from "../support/failures.ts";
import { RecordedJob } from "../support/record.ts";

const { folder, remove } = scratch();
afterAll(remove);

/** A main step and its post step. @param cases - of a shell's `case` on docker's arguments */
async function startWith(cases: string, inputs: Readonly<Record<string, string>> = {}) {
  const { stdout } = await run("sh", ["-c", "command -v docker"]);
  const program = join(folder, "docker");
  const rest = `*) exec ${stdout.trim()} "$@";;`;
  writeFileSync(program, `#!/bin/sh\ncase "$*" in\n${cases}\n${rest}\nesac\n`);
  chmodSync(program, 0o755);
  const path = [folder, process.env.PATH].join(delimiter);
  const job = new RecordedJob({ env: { ...ownJob().env, PATH: path } });
  const main = await job.main(testInputs({ servers: "1", ...inputs }));
  const post = await job.post();
  job.dispose();
  expect(post.exitCode, post.log).toBe(0);
  return { main, post };
}

test("podman's own CLI under docker's name is refused, before anything is created", async () => {
  const before = await engineHoldings();
  // It has no field for components, and its client's version is all that a template gets then.
  const unknown = "template: version:1: can't evaluate field Components in type *define.Version";
  const { main, post } = await startWith(
    `--version) echo "podman version 5.4.2";;\nversion*) echo "Error: ${unknown}" >&2; exit 125;;`,
  );
  expect(errorsOf(main)).toMatchObject([{ title: "`docker` is podman's emulation" }]);
  expect(errorsOf(main)[0]?.message).toContain("DOCKER_HOST=unix:///run/podman/podman.sock");
  expect(main.log).toContain("docker --version");
  expect(main.log).not.toContain("docker network create");
  expect(post.log).toContain("Nothing is left to remove of cluster ");
  expect(await engineHoldings()).toEqual(before);
});

test("an engine for Windows containers is refused, before anything is created", async () => {
  const before = await engineHoldings();
  const { main } = await startWith("version*) echo windows/amd64;;");
  expect(errorsOf(main)).toMatchObject([{ title: "The engine runs Windows containers" }]);
  expect(errorsOf(main)[0]?.message).toContain("`runs-on: ubuntu-latest`");
  expect(main.log).not.toContain("docker network create");
  expect(await engineHoldings()).toEqual(before);
});

test("an engine on another machine: one warning, at the start", async () => {
  const { main } = await startWith('"context inspect"*) echo ssh://ci@build-2;;');
  expect(main.exitCode, main.log).toBe(0);
  const warnings = main.log.match(/^::warning.*$/gm) ?? [];
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("The Docker engine is at ssh://ci@build-2.");
  expect(main.log.indexOf("::warning")).toBeLessThan(main.log.indexOf("::group::Start"));
});

test("an engine on another machine: only that engine knows which ports are in use", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = String(z.object({ port: z.number() }).parse(server.address()).port);
  const remote = '"context inspect"*) echo ssh://ci@build-2;;';
  const { main } = await startWith(remote, { "http-port": port });
  server.close();
  // The engine, which is on this machine after all, has refused it.
  expect(main.log).toContain("docker run --detach");
  const what = "something that can't be seen from here already listens on that port";
  expect(errorsOf(main)[0]?.message).toContain(`Input \`http-port\` is ${port}, but ${what}`);
});

test("a pull that fails with an unknown text: the registry is asked, and the cause is named", async () => {
  const cases = [
    'pull*) echo "a text of the future" >&2; exit 1;;',
    '"manifest inspect"*) echo "no such manifest: $3" >&2; exit 1;;',
  ];
  const { main } = await startWith(cases.join("\n"), { image: "127.0.0.1:9/consul", version: "9" });
  expect(errorsOf(main)).toMatchObject([{ title: "Image not found" }]);
  expect(errorsOf(main)[0]?.message).toContain("127.0.0.1:9/consul:9");
});
