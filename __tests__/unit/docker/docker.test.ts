/** How docker commands run and end, with a shell script as the docker CLI. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Docker } from "../../../src/docker/docker.ts";
import { DockerError } from "../../../src/docker/docker-error.ts";
import { Engine } from "../../../src/docker/engine.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "docker-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const file = (name: string) => join(folder, name);

/** A docker CLI that runs this shell script. */
function dockerThat(script: string, { patience = 5000 } = {}) {
  writeFileSync(file("docker"), `#!/bin/sh\ncd ${folder}\n${script}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", [folder, process.env.PATH].join(delimiter));
  const controller = new AbortController();
  const docker = new Engine(controller.signal, () => {}, { MARK: "marked" }, patience);
  return { docker, cancel: () => controller.abort(new Error("canceled")) };
}

const exists = async (name: string) => {
  while (!existsSync(file(name))) await sleep(5);
};

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

/** A process that was sent a signal may take a moment to end. */
const ended = async (pid: number) => {
  while (isAlive(pid)) await sleep(5);
};

/** @returns what the work gave or threw, and how many milliseconds it took */
async function timed<T>(work: Promise<T>) {
  const start = performance.now();
  const result = await work.catch((error: unknown) => error);
  return { result, took: performance.now() - start };
}

test.each([
  ["Docker", "Engine", '["name=seccomp,profile=builtin"]', true],
  ["Docker, rootless", "Engine", '["name=seccomp,profile=builtin","name=rootless"]', true],
  ["Docker with remapped users", "Engine", '["name=seccomp,profile=builtin","name=userns"]', false],
  ["podman", "Podman Engine", "[]", false],
])(
  "%s names the owners of files in archives as the container does, or not",
  async (_, engine, options, does) => {
    const answers = `case $1 in version) echo 'linux/amd64\n${engine}\nother';; info) echo '${options}';; esac`;
    expect(await dockerThat(answers).docker.namesOwners()).toBe(does);
  },
);

test.each([
  ["docker", "Engine\ncontainerd\nrunc", false],
  ["podman", "Podman Engine\nConmon\nOCI Runtime (crun)", true],
])("what the engine is: %s", async (_, components, isPodman) => {
  const { docker } = dockerThat(`printf 'linux/arm64\n${components}\n'`);
  expect(await docker.engineFacts()).toEqual({ platform: "linux/arm64", isPodman });
});

test("containers are listed with the values of labels, also if they have none", async () => {
  const { docker } = dockerThat("printf 'a\\tpodman\\t\\t\"sh -c x\"\\nb\\t\\t\\t\\n'");
  expect(await docker.labeledContainers([], ["one", "two"])).toEqual([
    { name: "a", values: ["podman", ""], command: '"sh -c x"' },
    { name: "b", values: ["", ""], command: "" },
  ]);
});

describe("a question", () => {
  test("is answered, and knows the mark", async () => {
    const { docker } = dockerThat('echo "$1 $MARK"');
    expect(await docker.containers()).toEqual(["ps marked"]);
  });

  test("that the engine never answers fails, and says how long it waited", async () => {
    const { docker } = dockerThat("sleep 60", { patience: 200 });
    const { result, took } = await timed(docker.containers());
    expect(result).toMatchObject({ failure: "engine-unreachable" });
    expect(String(result)).toContain("`docker ps` failed: no answer within 0.2 s.");
    expect(took).toBeLessThan(30_000);
  });

  test("may take long as long as the answer comes in", async () => {
    // In all longer than it may be silent, which leaves 2.5 s between two lines for a busy machine.
    const { docker } = dockerThat("for i in 1 2 3 4 5 6 7; do echo $i; sleep 0.5; done", {
      patience: 3000,
    });
    const answers = await Promise.all([docker.containers(), docker.logs("x", "all")]);
    for (const lines of answers) expect(lines).toHaveLength(7);
  });

  test("is given up at once on cancellation", async () => {
    const { docker, cancel } = dockerThat("touch asked; sleep 60");
    const asked = timed(docker.containers());
    await exists("asked");
    cancel();
    const { result, took } = await asked;
    expect(String(result)).toContain("canceled");
    expect(took).toBeLessThan(30_000);
    await expect(docker.containers()).rejects.toThrow("canceled");
  });

  test("ends with its process, even if a child holds the pipes", async () => {
    const { docker } = dockerThat("sleep 60 & echo x");
    const { result, took } = await timed(docker.containers());
    expect(result).toEqual(["x"]);
    expect(took).toBeLessThan(30_000);
  });

  test("that fails says why", async () => {
    const { docker } = dockerThat("echo 'no space left on device' >&2; exit 1");
    await expect(docker.containers()).rejects.toMatchObject({ failure: "disk-full" });
    await expect(docker.logs("x", 5)).rejects.toMatchObject({ failure: "disk-full" });
    const { docker: killed } = dockerThat("kill -9 $$");
    await expect(killed.containers()).rejects.toThrow("it was killed");
  });

  test("for a log keeps characters and a last line that has no line break", async () => {
    const { docker } = dockerThat(
      "printf 'one\\ntwo \\303'; sleep 0.1; printf '\\274\\r\\nthree'; sleep 0.1; echo four >&2",
    );
    expect((await docker.logs("x", "all")).sort()).toEqual(["four", "one", "three", "two ü"]);
  });
});

describe("a command that fails with an unknown text", () => {
  const failureIn = async (work: Promise<unknown>) =>
    work.then(
      () => "none",
      (error: unknown) => (error instanceof DockerError ? error.failure : error),
    );
  /** Every command but these fails with a text of the future. */
  const unknown = (answers: string) =>
    dockerThat(`case "$*" in ${answers} *) echo "a new text" >&2; exit 1;; esac`).docker;
  const answers = 'version*) echo "99.0.0";;';

  test("no engine answers: it is not reachable", async () => {
    expect(await failureIn(unknown("").containers())).toBe("engine-unreachable");
    expect(await failureIn(unknown("").engineFacts())).toBe("engine-unreachable");
  });

  test("an engine that denies access", async () => {
    const denied = "permission denied while trying to connect to the docker API at unix:///x";
    const docker = unknown(`version*) echo "${denied}" >&2; exit 1;;`);
    expect(await failureIn(docker.containers())).toBe("access-denied");
  });

  test("the registry has no such image", async () => {
    const missing = "manifest*) echo 'no such manifest: a/b:1' >&2; exit 1;;";
    const pulled = unknown(`${answers} ${missing}`).pull("a/b:1", () => {});
    expect(await failureIn(pulled)).toBe("not-found");
  });

  test("the registry has the image, or does not answer: the reason stays unknown", async () => {
    const present = unknown(`${answers} manifest*) echo '{}';;`).pull("a/b:1", () => {});
    expect(await failureIn(present)).toBe("other");
    expect(await failureIn(unknown(answers).pull("a/b:1", () => {}))).toBe("other");
  });

  test("what is inspected is not listed", async () => {
    const docker = unknown(`${answers} "image ls"*|"network ls"*|ps*) ;;`);
    expect(await docker.image("a/b:1")).toBeUndefined();
    expect(await docker.networkMembers("net")).toBeUndefined();
    expect(await docker.inspectContainers(["one", "two"])).toEqual([]);
  });

  test("what is inspected is listed: the reason stays unknown", async () => {
    const docker = unknown(`${answers} "image ls"*) echo 0123;;`);
    expect(await failureIn(docker.image("a/b:1"))).toBe("other");
  });

  test.each([
    ['none 1 ["name=rootless"]', "no-freezer"],
    ['cgroupfs 1 ["name=seccomp","name=rootless"]', "no-freezer"],
    ['systemd 2 ["name=rootless"]', "other"],
    ['cgroupfs 1 ["name=seccomp"]', "other"],
  ])("`pause` with control groups %s", async (info, failure) => {
    const docker = unknown(`${answers} info*) echo '${info}';;`);
    expect(await failureIn(docker.pause(["one"]))).toBe(failure);
  });
});

describe("pausing", () => {
  const fails = "echo 'OCI runtime pause failed: unable to freeze: unknown' >&2; exit 1";

  test("goes on until the engine has frozen each container", async () => {
    const { docker } = dockerThat(
      `echo x >> $2; [ $(wc -l < $2) -ge ${"$"}{2#n} ] || { ${fails}; }`,
    );
    await docker.pause(["n1", "n3"]);
    expect(["n1", "n3"].map((name) => readFileSync(file(name), "utf8").length / 2)).toEqual([1, 3]);
  });

  test("ends with advice if that never happens", async () => {
    const { docker } = dockerThat(`echo x >> tries; ${fails}`);
    await expect(docker.pause(["a"])).rejects.toThrow(/unable to freeze.*\nWith version 1 of/s);
    expect(readFileSync(file("tries"), "utf8").length / 2).toBe(10);
  });
});

describe("the first exit", () => {
  const died = (name: string, labels: object) =>
    JSON.stringify({ Actor: { Attributes: { name, exitCode: "137", ...labels } } });
  const exitOf = (...events: string[]) =>
    dockerThat(`${events.map((event) => `echo '${event}'`).join("\n")}\nexec sleep 60`).docker;

  test("is of a container that matches all filters, though podman sends those that match one", async () => {
    const helper = died("helper", { cluster: "a" });
    const other = died("other", { cluster: "b", node: "server-1" });
    const docker = exitOf(helper, other, died("server", { cluster: "a", node: "server-1" }));
    const exit = await docker.firstExit(["label=cluster=a", "label=node"], new Date());
    expect(exit).toEqual({ container: "server", exitCode: 137 });
  });
});

describe("a command that acts", () => {
  test("ends with its process, even if a child holds the pipes", async () => {
    const { docker } = dockerThat("sleep 60 & echo x");
    const { result, took } = await timed(docker.change("start", ["x"]));
    expect(result).toBeUndefined();
    expect(took).toBeLessThan(30_000);
  });

  test("ends on cancellation with all that it started", async () => {
    const { docker, cancel } = dockerThat("sleep 60 & echo $! > pid; mv pid child; wait");
    const stopped = timed(docker.untilStopped("x"));
    await exists("child");
    cancel();
    const { result, took } = await stopped;
    expect(String(result)).toContain("canceled");
    expect(took).toBeLessThan(30_000);
    await ended(Number(readFileSync(file("child"), "utf8")));
  });

  test("is killed if it ignores that", async () => {
    const { docker, cancel } = dockerThat("trap '' TERM; echo $$ > pid; mv pid self; sleep 60");
    const stopped = timed(docker.untilStopped("x"));
    await exists("self");
    cancel();
    expect((await stopped).took).toBeLessThan(30_000);
    await ended(Number(readFileSync(file("self"), "utf8")));
  });

  test("that can't be killed is not waited for any longer", async () => {
    const { docker, cancel } = dockerThat("echo $$ > pid; exec sleep 60");
    const running = timed(docker.change("start", ["x"]));
    await exists("pid");
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    cancel();
    const { result } = await running;
    kill.mockRestore();
    process.kill(Number(readFileSync(file("pid"), "utf8")), "SIGKILL");
    expect(result).toMatchObject({ message: "canceled" });
  });

  test("may finish on cancellation if it creates something", async () => {
    const { docker, cancel } = dockerThat("touch asked; sleep 1; touch created");
    const creation = docker.createNetwork(["x"]);
    await exists("asked");
    cancel();
    await creation;
    expect(existsSync(file("created"))).toBe(true);
  });

  test("passes on bytes as they are", async () => {
    const { docker } = dockerThat("printf '\\377\\000\\303'");
    expect(await docker.getArchive("x", "/y")).toEqual(Uint8Array.of(0xff, 0, 0xc3));
  });

  test("reads its input", async () => {
    const { docker } = dockerThat("cat");
    expect(await docker.runToEnd(["x"], { input: "grüße" })).toBe("grüße");
  });

  test("gets the rest of its input when it is there", async () => {
    const { docker } = dockerThat("read line; echo $line; cat; echo end");
    const rest = Promise.withResolvers<string>();
    const lines: string[] = [];
    const onLine = (line: string) => {
      lines.push(line);
      if (line === "first") rest.resolve("rest\n");
    };
    await docker.runToEnd(["x"], { input: "first\n", laterInput: rest.promise, onLine });
    expect(lines).toEqual(["first", "rest", "end"]);
  });

  test("sees the end of its input after an abort, so that a container ends by itself", async () => {
    const { docker, cancel } = dockerThat("touch asked; cat; touch ended");
    const running = docker.runToEnd(["x"], { laterInput: new Promise(() => {}) });
    await exists("asked");
    cancel();
    await running;
    expect(existsSync(file("ended"))).toBe(true);
  });
});

describe("output that docker itself does not print, as of a wrapper script,", () => {
  const answers: readonly [string, (docker: Docker) => Promise<unknown>][] = [
    ["image inspect", (docker) => docker.image("x")],
    ["image inspect", (docker) => docker.imageDefaults("x")],
    ["inspect", (docker) => docker.inspectContainers(["x"])],
    ["network inspect", (docker) => docker.networkMembers("x")],
    ["ps", (docker) => docker.labels(["label=x"], ["x"])],
  ];

  test.each(answers)(
    "fails with its beginning, and what a wrapper must not do: %s",
    async (name, ask) => {
      const { docker } = dockerThat('echo "Using docker 28"; echo "[]"');
      await expect(ask(docker)).rejects.toMatchObject({
        failure: "unexpected-output",
        title: "Unexpected output of docker",
        message: `\`docker ${name}\` failed: unexpected output, which begins "Using docker 28".\nIf \`docker\` is a wrapper script on this runner, it must print nothing of its own to standard output.`,
      });
    },
  );

  test("is JSON of another shape", async () => {
    const { docker } = dockerThat("echo '[{}]'");
    await expect(docker.image("x")).rejects.toMatchObject({ failure: "unexpected-output" });
  });
});

test("without a docker CLI both kinds say so", async () => {
  vi.stubEnv("PATH", folder);
  const docker = new Engine(new AbortController().signal, () => {});
  const commands = [
    () => docker.containers(),
    () => docker.logs("x", 1),
    () => docker.change("start", ["x"]),
  ];
  for (const command of commands)
    await expect(command()).rejects.toMatchObject({
      failure: "cli-missing",
      said: "`docker` is not an executable on the PATH.",
    });
});
