import { describe, expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import { enginesCutOff, explainExit } from "../../../src/ready/diagnosis.ts";
import { agent, facts, fakeDocker } from "../find/fixtures.ts";

/** An engine on which server-1 has been killed, as seen by its commands. */
function killed(OOMKilled: boolean, event: string) {
  const State = { ...facts.State, Status: "exited", Running: false, ExitCode: 137, OOMKilled };
  fakeDocker(`
case "$1" in
container) cat <<'END'
${JSON.stringify([{ ...facts, Name: "server-1", State }])}
END
;;
events) ${event};;
esac
`);
  const docker = new Engine(new AbortController().signal, () => {});
  const exit = { container: "server-1", exitCode: 137 };
  return explainExit(docker, "hashicorp/consul", [agent("server-1")], exit);
}

test.each([
  ["its state says so", true, "echo unasked >&2; exit 1", "server-1 was OOM-killed"],
  ["only an event says so", false, `echo '{"status":"oom"}'`, "server-1 was OOM-killed"],
  ["nothing says so", false, "true", "server-1 exited"],
])("an agent that was killed, if %s", async (_, isKnown, event, title) => {
  const error = await killed(isKnown, event);
  expect(error.title).toBe(title);
  expect(error.message).toContain("exit code 137");
});

const on = (engine: string, ...nodes: string[]) =>
  nodes.map((node) => ({
    node,
    place: { engine, isHere: engine === "default", address: "10.0.1.9" },
  }));

describe("engines that seem to be cut off", () => {
  const agents = [
    ...on("default", "server-1", "client-1"),
    ...on("worker-1", "server-2", "client-2"),
    ...on("worker-2", "server-3"),
  ];

  test("are those whose agents are all missed, but not the job's own", () => {
    const missed = ["server-1", "client-1", "server-2", "client-2"];
    expect(enginesCutOff(agents, missed)).toEqual([
      expect.stringMatching(/^All agents on the engine worker-1 \(server-2, client-2\) are among/),
    ]);
  });

  test("are none if others there are well, or if there is one engine only", () => {
    expect(enginesCutOff(agents, ["client-2"])).toEqual([]);
    expect(enginesCutOff([{ node: "server-1" }], ["server-1"])).toEqual([]);
  });
});
