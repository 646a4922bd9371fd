import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkForwarding, startForwarder } from "../../../src/apply/start-forwarder.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { fakeDocker } from "../find/fixtures.ts";
import { plan as planOf } from "../plan/fixtures.ts";

const docker = new Engine(new AbortController().signal, () => {});
const owner = { clusterId: "0123abcd", jobLabels: {} };

const plan = () => {
  const { agents, ...others } = planOf({ servers: "2" });
  const place = (index: number) => ({
    engine: index === 0 ? "default" : "worker-1",
    isHere: index === 0,
    address: `10.0.1.${254 - index}`,
  });
  return { ...others, agents: agents.map((agent, index) => ({ ...agent, place: place(index) })) };
};
const taken =
  'echo "docker: Error response from daemon: driver failed programming external connectivity on endpoint: Bind for 127.0.0.1:30001 failed: port is already allocated." >&2; exit 125';

describe("starting the forwarder", () => {
  test("with the ports of the plan", async () => {
    fakeDocker("exit 0");
    const planned = plan();
    expect(await startForwarder(docker, planned, planned.agents)).toEqual(planned.agents);
  });

  test("with other ports if somebody took one; agents on the first engine keep theirs", async () => {
    const folder = fakeDocker(
      `echo "$@" >>runs; if [ "$1" = run ] && ! [ -e tried ]; then touch tried; ${taken}; fi; exit 0`,
    );
    const planned = plan();
    const [here, moved] = await startForwarder(docker, planned, planned.agents);
    expect(here).toEqual(planned.agents[0]);
    const ports = moved?.publications.map(({ port }) => port) ?? [];
    expect(ports).toHaveLength(3);
    expect(ports).not.toContain(30_001);
    const runs = readFileSync(join(folder, "runs"), "utf8");
    expect(runs).toContain("rm --force --volumes consul-0123abcd-forwarder");
    for (const port of ports) expect(runs).toContain(`127.0.0.1:${port}:${port}`);
  });

  test("if all attempts fail, the message says what it is for", async () => {
    const folder = fakeDocker(`echo "$1" >>runs; [ "$1" = run ] || exit 0; ${taken}`);
    const planned = plan();
    await expect(startForwarder(docker, planned, planned.agents)).rejects.toThrow(
      "through which the job reaches agents on other engines, can't start.",
    );
    const runs = readFileSync(join(folder, "runs"), "utf8").split("\n");
    expect(runs.filter((verb) => verb === "run")).toHaveLength(5);
  });

  test("is refused before anything starts if there is no iptables", async () => {
    fakeDocker('echo "There is no iptables, neither here nor there." >&2; exit 1');
    await expect(checkForwarding(docker, owner, "consul:1")).rejects.toThrow(
      /of the image consul:1\. It can't: .*There is no iptables.*apt-get install -y iptables/s,
    );
  });
});
