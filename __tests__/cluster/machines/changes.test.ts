import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { root, type StepResult } from "../../../script/runner.ts";
import { ownJob, statesIn } from "../../support/actions.ts";
import { testInputs } from "../../support/cluster.ts";
import { docker, testImage } from "../../support/engine.ts";
import { onMachines } from "../../support/machines.ts";
import { RecordedJob } from "../../support/record.ts";

const engines = ["default", "worker-1", "worker-2"];

const nodesSchema = z.array(
  z.object({ name: z.string(), engine: z.string(), ip: z.string(), http: z.string() }),
);
type Nodes = z.output<typeof nodesSchema>;
const nodesIn = ({ outputs }: StepResult): Nodes =>
  nodesSchema.parse(JSON.parse(outputs.nodes ?? ""));
const placesIn = (nodes: Nodes) => nodes.map(({ name, engine }) => `${name} on ${engine}`);

/** The names of a cluster's containers on an engine. */
const containersOn = async (engine: string) =>
  (
    await docker(
      `--context=${engine}`,
      ...["ps", "--all", "--format={{.Names}}", "--filter=label=consul-cluster-action.cluster"],
    )
  )
    .split("\n")
    .map((name) => name.replace(/^consul-[0-9a-f]+-/, ""))
    .filter((name) => name !== "")
    .sort();

async function eachAnswers(nodes: Nodes): Promise<void> {
  const selfSchema = z.object({ Config: z.object({ NodeName: z.string() }) });
  for (const { name, http } of nodes) {
    const self = selfSchema.parse(await (await fetch(`${http}/v1/agent/self`)).json());
    expect(self.Config.NodeName).toBe(name);
  }
}

/** An image like the cluster's, under another name and with another ID, which the first engine has alone. */
async function otherImage(): Promise<string> {
  const other = "machines-test:other";
  const container = (await docker("create", testImage())).trim();
  await docker("commit", "--change=LABEL other=true", container, other);
  await docker("rm", container);
  return other;
}

describe("later steps on three engines", onMachines, () => {
  const job = new RecordedJob(ownJob());
  const network = "users-own";
  const step = (action: string, inputs: Readonly<Record<string, string>>) =>
    job.main(inputs, join(root, action));
  let started: StepResult;
  let nodes: Nodes = [];

  beforeAll(async () => {
    await docker(
      ...[
        "network",
        "create",
        "--driver=overlay",
        "--attachable",
        "--subnet=10.78.0.0/24",
        network,
      ],
    );
    // Of the last addresses, one is a running container's, and one that of a stopped one.
    const taken = ["run", "--detach", `--network=${network}`, "--entrypoint=sleep"];
    await docker(
      "--context=worker-1",
      ...taken,
      "--name=runs",
      "--ip=10.78.0.254",
      testImage(),
      "600",
    );
    await docker(
      "--context=worker-2",
      ...taken,
      "--name=stands",
      "--ip=10.78.0.252",
      testImage(),
      "600",
    );
    await docker("--context=worker-2", "kill", "stands");
    started = await job.main(
      testInputs({ servers: "3", clients: "2", engines: engines.join(" "), network }),
    );
    expect(started.exitCode, started.log).toBe(0);
    nodes = nodesIn(started);
  });

  afterAll(async () => {
    const post = await job.post(started);
    job.dispose();
    expect(post.exitCode, post.log).toBe(0);
    for (const engine of engines) expect(await containersOn(engine)).toEqual([]);
    // What is the user's stays.
    expect(await docker("network", "ls", "--format={{.Name}}")).toContain(network);
    expect(await docker("--context=worker-1", "ps", "--format={{.Names}}")).toContain("runs");
  });

  test("fixed addresses in the user's network are free ones", async () => {
    const last = [253, 251, 250, 249, 248].map((each) => `10.78.0.${each}`);
    expect(nodes.map(({ ip }) => ip)).toEqual(last);
    await eachAnswers(nodes);
  });

  // Eight nodes come or go, one after the other.
  const longer = { timeout: 300_000 };
  test(
    "new nodes go where a start would have put them, and the same ones go again",
    longer,
    async () => {
      const before = await Promise.all(engines.map(containersOn));
      const more = await step("scale", { servers: "5", clients: "4" });
      expect(more.exitCode, more.log).toBe(0);
      const now = nodesIn(more);
      expect(placesIn(now).filter((each) => !placesIn(nodes).includes(each))).toEqual([
        "server-4 on default",
        "server-5 on worker-1",
        "client-3 on worker-2",
        "client-4 on worker-2",
      ]);
      expect(new Set(now.map(({ ip }) => ip)).size).toBe(9);
      await eachAnswers(now);

      const fewer = await step("scale", { servers: "3", clients: "2" });
      expect(fewer.exitCode, fewer.log).toBe(0);
      expect(nodesIn(fewer)).toEqual(nodes);
      expect(await Promise.all(engines.map(containersOn))).toEqual(before);
    },
  );

  test("an upgrade gives every engine the image, and every node stays where it was", async () => {
    const image = await otherImage();
    const upgraded = await step("upgrade", { image });
    expect(upgraded.exitCode, upgraded.log).toBe(0);
    expect(upgraded.log).toContain(`worker-1 gets ${image} from default`);
    expect(nodesIn(upgraded)).toEqual(nodes);
    for (const { name, engine } of nodes) {
      const container = (await containersOn(engine)).find((each) => each === name);
      expect(container).toBe(name);
    }
    await eachAnswers(nodes);
  });

  test("each engine impairs and heals the networks of its own nodes", async () => {
    const lossy = await step("fault", { action: "loss", target: "all-clients", percent: "1" });
    expect(lossy.exitCode, lossy.log).toBe(0);
    expect(lossy.log).toMatch(/The kernel of worker-1 does it with/);
    const whole = Object.fromEntries(nodes.map(({ name }) => [name, "running"]));
    const impaired = { "client-1": "impaired", "client-2": "impaired" };
    expect(statesIn(lossy)).toEqual({ ...whole, ...impaired });
    const healed = await step("fault", { action: "heal" });
    expect(healed.exitCode, healed.log).toBe(0);
    expect(statesIn(healed)).toEqual(whole);
  });

  test("`wait` and `logs` work as on one", async () => {
    const [first] = nodes;
    await fetch(`${first?.http}/v1/kv/answer`, { method: "PUT", body: "42" });
    const waited = await step("wait", { key: "answer", value: "42" });
    expect(waited.exitCode, waited.log).toBe(0);
    const logs = await step("logs", {});
    expect(logs.exitCode, logs.log).toBe(0);
    for (const { name } of nodes) expect(logs.log).toContain(name);
  });
});
