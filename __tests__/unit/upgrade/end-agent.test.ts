import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Engine } from "../../../src/docker/engine.ts";
import type { FoundAgent } from "../../../src/find/existing-cluster.ts";
import { endAgent } from "../../../src/upgrade/end-agent.ts";
import { agent, consulThatAnswers, fakeDocker } from "../find/fixtures.ts";

const left = 3;
const alive = 1;

/** An engine whose container stops by itself after this many tenths of a second, or once it is removed. */
const engine = (tenths: number) => `
echo "$*" >> calls
case "$1" in
stop) for tenth in $(seq ${tenths}); do if [ -e removed ]; then exit; fi; sleep 0.1; done; echo stopped >> calls;;
rm) touch removed;;
esac
`;

/** What an agent says of `client-1`: its state as a member, and whether the catalog has it. */
interface Said {
  readonly state: number;
  readonly isListed?: boolean;
}

const agentThatSays = ({ state: Status, isListed = false }: Said) =>
  consulThatAnswers(({ url = "" }, answer) => {
    const Tags = { build: "1.8.7", id: "a" };
    const members = [
      { Name: "server-1", Addr: "10.0.0.2", Status: alive, Tags },
      { Name: "client-1", Addr: "10.0.0.5", Status, Tags },
    ];
    const nodes = [{ Node: "server-1" }, ...(isListed ? [{ Node: "client-1" }] : [])];
    answer.end(JSON.stringify(url.startsWith("/v1/agent/members") ? members : nodes));
  });

interface Case {
  /** The agent that is to end; a client unless a test says otherwise. */
  readonly ending?: FoundAgent;
  readonly said: readonly Said[];
  readonly isPodman?: boolean;
  readonly tenths: number;
}

/** The docker commands of an end, in their order, and `stopped` where the agent has ended by itself. */
async function callsOf({ ending = agent("client-1"), said, isPodman = false, tenths }: Case) {
  const folder = fakeDocker(engine(tenths));
  const { signal } = new AbortController();
  const docker = new Engine(signal, () => {});
  const others = await Promise.all(
    said.map(async (each, index) => {
      return { ...agent(`server-${index + 1}`), consul: await agentThatSays(each) };
    }),
  );
  await endAgent(ending, { docker, others, isPodman, signal });
  return readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
}

test("a client that has left for all others does not wait any longer", async () => {
  const calls = await callsOf({ said: [{ state: left }, { state: left }], tenths: 600 });
  expect(calls).toEqual(["stop client-1", "rm --force client-1"]);
});

test.each<[string, Said]>([
  ["a member", { state: alive }],
  ["in the catalog", { state: left, isListed: true }],
])("a client that is still %s for one of them has the time that it takes", async (_, other) => {
  const calls = await callsOf({ said: [{ state: left }, other], tenths: 5 });
  expect(calls).toEqual(["stop client-1", "stopped", "rm --force client-1"]);
});

test("a container that podman stops has the time that it takes", async () => {
  const calls = await callsOf({ said: [{ state: left }], isPodman: true, tenths: 5 });
  expect(calls).toEqual(["stop client-1", "stopped", "rm --force client-1"]);
});

test("a server that answers has the time that it takes, whatever the others say", async () => {
  const consul = await agentThatSays({ state: alive });
  const ending = { ...agent("server-3"), consul };
  const calls = await callsOf({ ending, said: [{ state: left }], tenths: 5 });
  expect(calls).toEqual(["stop server-3", "stopped", "rm --force server-3"]);
});

test("a server that fails to answer has it, too", async () => {
  const consul = await consulThatAnswers((_, answer) => {
    answer.writeHead(500).end("leaving");
  });
  const ending = { ...agent("server-3"), consul };
  const calls = await callsOf({ ending, said: [{ state: left }], tenths: 5 });
  expect(calls).toEqual(["stop server-3", "stopped", "rm --force server-3"]);
});

test("a server whose API is closed does not wait any longer", async () => {
  const calls = await callsOf({ ending: agent("server-3"), said: [], tenths: 600 });
  expect(calls).toEqual(["stop server-3", "rm --force server-3"]);
});

test("nor one behind Docker's proxy, which accepts connections and cuts them off", async () => {
  const consul = await consulThatAnswers(({ socket }) => socket.destroy());
  const calls = await callsOf({ ending: { ...agent("server-3"), consul }, said: [], tenths: 600 });
  expect(calls).toEqual(["stop server-3", "rm --force server-3"]);
});

test("a step that is canceled meanwhile ends", async () => {
  fakeDocker(engine(600));
  const canceled = new AbortController();
  const docker = new Engine(canceled.signal, () => {});
  const consul = await consulThatAnswers(() => canceled.abort(new Error("Canceled")));
  const others = [{ ...agent("server-1"), consul }];
  const around = { docker, others, isPodman: false, signal: canceled.signal };
  await expect(endAgent(agent("client-1"), around)).rejects.toThrow(/Canceled|aborted/);
});
