/** What the soak test sees of a round that leaves something behind. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { leftovers, tracesOf } from "../../script/soak/leftovers.ts";
import { docker, testImage } from "../support/engine.ts";

const label = (name: string, value: string) => `--label=consul-cluster-action.${name}=${value}`;

test("objects with the job's or only the cluster's label, helpers of nodes, volumes, processes", async () => {
  const [run, cluster] = [`soak-${randomUUID()}`, randomUUID().slice(0, 8)];
  const labels = [label("run", `/${run}/1`), label("cluster", cluster)];
  const ofCluster = label("cluster", cluster);
  const volumes = ["a", "b"].map((name) => `${run}-${name}`);
  const containers = ["node", "in-network", "with-volumes"].map((name) => `${run}-${name}`);
  onTestFinished(async () => {
    await docker("rm", "--force", "--volumes", ...containers);
    await docker("volume", "rm", "--force", ...volumes);
  });
  const [marked = "", unlabeled = ""] = volumes;
  const [node = "", ...helpers] = containers;
  const sleeping = ["--entrypoint=sleep", testImage(), "600"];
  // Marks and address holders have no label of the job.
  await docker("volume", "create", ofCluster, marked);
  const mount = `--mount=type=volume,source=${unlabeled},target=/elsewhere`;
  await docker(
    "run",
    "--detach",
    `--name=${node}`,
    "--network=none",
    mount,
    ...labels,
    ...sleeping,
  );
  const traces = await tracesOf(run, []);
  expect(traces.clusters).toEqual([cluster]);
  expect(traces.volumes).toContain(unlabeled);
  const id = traces.containers[0] ?? "";
  for (const [index, use] of [`--network=container:${id}`, `--volumes-from=${node}`].entries())
    await docker("run", "--detach", `--name=${helpers[index]}`, use, ...sleeping);
  const child = spawn("sleep", ["600"], { env: { ...process.env, GITHUB_RUN_ID: run } });
  await once(child, "spawn");

  const left = await leftovers(traces);
  child.kill();
  expect(left).toContain(`container ${node}`);
  for (const helper of helpers) expect(left).toContain(`container ${helper}`);
  expect(left).toContain(`volume ${marked}`);
  expect(left).toContain(`volume ${unlabeled}`);
  expect(left).toContain(`process ${child.pid}: sleep 600`);

  await docker("rm", "--force", "--volumes", ...containers);
  await docker("volume", "rm", ...volumes);
  expect(await leftovers(traces)).toEqual([]);
});
