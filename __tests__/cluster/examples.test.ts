/** Examples that need nothing from outside pass; and `npm run examples` ends without leaving anything. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runnable } from "../../script/examples/list.ts";
import { runExample } from "../../script/examples/run.ts";
import { engineHoldings, testImage } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";

test.each(runnable("npm test"))("%s passes as it stands", async (name) => {
  const { signal } = new AbortController();
  expect(await runExample({ name, image: testImage(), signal })).toBeUndefined();
});

test("an example that is interrupted leaves no cluster and no process", async () => {
  const before = await engineHoldings();
  const folder = mkdtempSync(join(tmpdir(), "example-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "pids");
  // One process in the background, and one in the foreground that does not end by itself.
  const script = `sleep 601 & echo $! >"${file}.new"; echo $$ >>"${file}.new"; mv "${file}.new" "${file}"; sleep 602`;
  const cleaned = join(folder, "cleaned");
  const clean = `curl --fail --silent "$CONSUL_HTTP_ADDR/v1/status/leader" >"${cleaned}"`;
  const interrupted = new AbortController();
  const signal = interrupted.signal;
  const running = runExample({ name: "haproxy", image: testImage(), signal }, [
    { kind: "action", name: "start", id: "consul", folder: ".", inputs: { servers: "1" } },
    { kind: "run", name: "wait", id: undefined, script, directory: ".", env: {} },
    { kind: "run", name: "never", id: undefined, script: "exit 3", directory: ".", env: {} },
    {
      kind: "run",
      name: "clean",
      id: undefined,
      isAlways: true,
      script: clean,
      directory: ".",
      env: {},
    },
  ]);
  await eventually(
    async () => existsSync(file),
    (isThere) => isThere,
  );
  expect(await engineHoldings()).not.toEqual(before);
  interrupted.abort();
  expect(await running).toContain('the step "wait" failed');
  expect(readFileSync(cleaned, "utf8")).toMatch(/:8300"/);
  expect(await engineHoldings()).toEqual(before);
  for (const pid of readFileSync(file, "utf8").trim().split("\n"))
    await eventually(
      async () => commandOf(pid),
      (command) => command === "",
    );
});

/** Empty once the process has ended, whether or not its parent has taken note. */
const commandOf = (pid: string) =>
  existsSync(`/proc/${pid}`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
