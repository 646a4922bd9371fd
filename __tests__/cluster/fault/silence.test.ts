import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fault, ownJob, statesIn } from "../../support/actions.ts";
import { type Up, up } from "../../support/cluster.ts";
import { run } from "../../support/engine.ts";
import { ask, credentials } from "../../support/later-step.ts";

let cluster: Up;
beforeAll(async () => {
  cluster = await up({ servers: "3", clients: "2", acl: "true" }, ownJob());
});
afterAll(async () => {
  await cluster.down();
});

/** Milliseconds: longer than a client agent believes what it knows of a token, and until it asks again. */
const probing = 3000;
/** Milliseconds. An agent that waits for a paused server gives no answer for 40 s. */
const patience = 2500;

/**
 * What is wrong with the answers that the client agents give meanwhile: they need what they know of the job's
 * token, and what they lock while they sync with the catalog.
 */
async function wrongAnswers(): Promise<string[]> {
  const until = performance.now() + probing;
  const clients = cluster.nodes.filter(({ role }) => role === "client");
  const probes = clients.map(async ({ name, http }) => {
    while (performance.now() < until) {
      const answer = ask(`${http}/v1/agent/self`, credentials(cluster));
      const late = sleep(patience, { status: 0, body: "no answer" });
      const { status, body } = await Promise.race([answer, late]);
      if (status !== 200) return [`${name}: ${status} ${body}`];
      await sleep(50);
    }
    return [];
  });
  return (await Promise.all(probes)).flat();
}

// Each agent asks one of the servers, so it is the one that is paused for some of them, and the first is
// paused as soon as the cluster is ready.
test.each([1, 2, 3])("client agents answer while server-%i is paused", async (number) => {
  const target = `server-${number}`;
  await fault(cluster, "pause", target, { wait: "false" });
  expect(await wrongAnswers()).toEqual([]);
  await fault(cluster, "resume", target);
});

test("a server is paused even if an agent never gets done", async () => {
  const hung = cluster.nodes.find(({ name }) => name === "client-1")?.container ?? "";
  await run("docker", ["exec", hung, "killall", "-STOP", "consul"]);
  const step = await fault(cluster, "pause", "server-1", { wait: "false", timeout: "1s" });
  await run("docker", ["exec", hung, "killall", "-CONT", "consul"]);
  expect(step.log).toContain("::warning title=`pause` goes on::Agents were not settled within 1 s");
  expect(step.log).toContain("client-1: ");
  expect(statesIn(step)["server-1"]).toBe("paused");
});
