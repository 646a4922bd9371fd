import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { Engines } from "../../../src/docker/engines.ts";
import { fakeDocker } from "../find/fixtures.ts";

/** An image as `docker image inspect` shows it. */
const image = (id: string, digest = "", architecture = "amd64") =>
  JSON.stringify([
    {
      Id: `sha256:${id}`,
      RepoDigests: digest === "" ? [] : [`consul@sha256:${digest}`],
      Os: "linux",
      Architecture: architecture,
      Config: {},
    },
  ]);

/** What engine `b` has before and after a pull; empty for nothing. `a` is the first. */
interface Case {
  readonly a: string;
  readonly before: string;
  /** Undefined if the pull fails. */
  readonly after?: string;
  readonly platform?: string;
  readonly isNeverPulled?: boolean;
  readonly reference?: string;
}

const say = (text: string) =>
  text === "" ? 'echo "Error: No such image: x" >&2; exit 1' : `echo '${text}'`;

/** @returns the commands that gave `b` something, and the log */
async function share({ a, before, after, ...more }: Case) {
  const { platform = "amd64", isNeverPulled = false, reference = "consul:1" } = more;
  const folder = fakeDocker(`
echo "$*" >> calls
case "$*" in
"--context=a image inspect"*) ${say(a)};;
"--context=b image inspect"*) if [ -e pulled ]; then ${say(after ?? before)}; else ${say(before)}; fi;;
"--context=b pull"*) ${after === undefined ? 'echo "toomanyrequests: slow down" >&2; exit 1' : "touch pulled"};;
"--context=a save"*) printf 'layers of it';;
"--context=b load"*) cat > loaded;;
"--context=b version"*) echo "linux/${platform}";;
*) echo "unexpected: $*" >&2; exit 1;;
esac`);
  const engine = new Engine(new AbortController().signal, () => {});
  const member = (name: string) => ({ name, engine: engine.on(name) });
  const engines = new Engines([member("a"), member("b")], "a");
  const log: string[] = [];
  await engines.shareImage(reference, { log: (line) => log.push(line), isNeverPulled });
  const calls = readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n");
  const given = calls.filter((call) => /=b (pull|load)/.test(call));
  const loaded = given.some((call) => call.includes(" load"))
    ? readFileSync(join(folder, "loaded"), "utf8")
    : "";
  return { given, log, loaded };
}

test("an engine that has the image gets nothing: it is the same by its ID, or a registry's digest", async () => {
  expect((await share({ a: image("1"), before: image("1") })).given).toEqual([]);
  const stored = await share({ a: image("1", "d1"), before: image("2", "d1") });
  expect(stored.given).toEqual([]);
});

test("one that has none, or an older one of that name, pulls it", async () => {
  for (const before of ["", image("0", "d0")]) {
    const { given } = await share({ a: image("1", "d1"), before, after: image("1", "d1") });
    expect(given).toEqual(["--context=b pull consul:1"]);
  }
});

test("one that can't pull gets a copy, and so does one that pulls another image of that name", async () => {
  const refused = await share({ a: image("1", "d1"), before: "" });
  expect(refused.given).toEqual(["--context=b pull consul:1", "--context=b load --quiet"]);
  expect(refused.loaded).toBe("layers of it");
  expect(refused.log).toEqual([
    "b: toomanyrequests: slow down",
    "b can't pull consul:1: toomanyrequests: slow down",
    "b gets consul:1 from a",
  ]);
  const moved = await share({ a: image("1", "d1"), before: "", after: image("2", "d2") });
  expect(moved.loaded).toBe("layers of it");
});

test.each([
  ["that no registry has", { a: image("1"), before: "" }],
  ["under an ID", { a: image("1", "d1"), before: "", reference: `sha256:${"1".repeat(64)}` }],
  ["with `pull: never`", { a: image("1", "d1"), before: "", isNeverPulled: true }],
] as const)("no registry is asked for an image %s", async (_, given) => {
  expect((await share(given)).given).toEqual(["--context=b load --quiet"]);
});

test("an engine of another platform has its own, and no copy is of use there", async () => {
  const arm = { before: "", platform: "arm64" };
  const own = image("2", "d2", "arm64");
  const pulled = await share({ a: image("1", "d1"), after: own, ...arm });
  expect(pulled.given).toEqual(["--context=b pull consul:1"]);
  await expect(share({ a: image("1"), ...arm })).rejects.toThrow(
    /context "b" runs on linux\/arm64.* What "a" has is for linux\/amd64\./,
  );
});
