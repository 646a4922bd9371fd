import { expect, test } from "vitest";
import { Docker } from "../../../src/docker/docker.ts";
import { leave, operations } from "../../../src/fault/operations.ts";
import { agent, consulThatAnswers, fakeDocker } from "../find/fixtures.ts";

test("an agent that refuses to leave fails the step at once, with its answer", async () => {
  const consul = await consulThatAnswers((_, answer) => {
    answer.writeHead(403).end("Permission denied");
  });
  // The agent runs on.
  fakeDocker("exec sleep 60");
  const docker = new Docker(new AbortController().signal, () => {});
  await expect(leave(docker, { ...agent("server-2"), consul }, 3000)).rejects.toThrow(
    "server-2 refused to leave: 403 Permission denied.",
  );
});

/** Agents that answer, and the requests that they get, each as `<node> <method> <path>`. */
async function answeringAgents(...nodes: readonly ReturnType<typeof agent>[]) {
  const requests: string[] = [];
  const agents = await Promise.all(
    nodes.map(async (node) => {
      const consul = await consulThatAnswers(({ method, url }, answer) => {
        requests.push(`${node.node} ${method} ${url}`);
        answer.end();
      });
      return { ...node, consul };
    }),
  );
  return { agents, requests };
}

test.each(["resume", "heal"] as const)(
  "after %s, a node joins again at once, a server over WAN too",
  async (action) => {
    fakeDocker("exit 0");
    const at = (node: string, ip: string, datacenter = "dc1") => ({
      ...agent(node, node === "server-1" || node === "client-1" ? "paused" : "running"),
      ip,
      datacenter,
    });
    const { agents, requests } = await answeringAgents(
      at("server-1", "10.0.0.1"),
      at("server-2", "10.0.0.2"),
      at("client-1", "10.0.0.3"),
      at("server-9", "10.0.0.9", "west"),
    );
    const docker = new Docker(new AbortController().signal, () => {});
    const credentials = { scheme: "http" } as const;
    const found = { clusterId: "c0ffee00", network: "net", credentials, addresses: new Map() };
    const target = { all: true } as const;
    const spec = { action, target, cluster: "", datacenter: "", wait: true, timeout: 1000 };
    await operations[action]({
      docker,
      cleanup: docker,
      spec,
      cluster: { ...found, agents },
      hit: agents.filter(({ state }) => state === "paused"),
    });
    expect(requests.sort()).toEqual([
      "client-1 PUT /v1/agent/join/10.0.0.1",
      "server-1 PUT /v1/agent/join/10.0.0.2",
      "server-1 PUT /v1/agent/join/10.0.0.9?wan=1",
    ]);
  },
);
