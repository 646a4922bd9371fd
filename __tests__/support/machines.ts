/** The machines of script/machines/enter, whose engines are one swarm: `npm run test:machines`. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { root } from "../../script/runner.ts";
import { docker, run } from "./engine.ts";

declare module "vitest" {
  interface TaskMeta {
    /** Why the test does not run here. */
    lacks?: string;
  }
}

/** The folder of the machines; empty if there are none. */
export const machines = process.env.MACHINES ?? "";

/** Options of a group of tests that need the machines. */
export const onMachines = {
  skip: machines === "",
  meta: { lacks: "three machines (npm run test:machines)" },
};

/** Docker contexts, the job's own engine first. */
export const engines = ["default", "worker-1", "worker-2"] as const;

const filter = "--filter=label=consul-cluster-action.cluster";

/** Names of all objects of clusters, by engine, in the order of `engines`. */
export async function holdings(): Promise<string[][]> {
  return Promise.all(
    engines.map(async (name) => {
      const on = `--context=${name}`;
      const lists = await Promise.all([
        docker(on, "ps", "--all", "--format={{.Names}}", filter),
        docker(on, "network", "ls", "--format={{.Name}}", filter),
        docker(on, "volume", "ls", "--format={{.Name}}", filter),
      ]);
      return lists.flatMap((list) => list.split("\n").filter((each) => each !== "")).sort();
    }),
  );
}

/** Nothing is left. A worker forgets a network of the swarm a little later than the manager. */
export const expectEmpty = () => expect.poll(holdings, { timeout: 20_000 }).toEqual([[], [], []]);

/** Cuts a worker's machine off from the others, or connects it again. Its own socket still answers. */
export async function setLink(worker: "worker-1" | "worker-2", state: "down" | "up") {
  await run("ip", ["link", "set", worker, state]);
}

/** Kills a worker's engine. @returns what starts it again, and waits until it answers */
export async function killEngine(index: 1 | 2): Promise<() => Promise<void>> {
  const own = join(machines, `machine-${index}`);
  process.kill(Number(readFileSync(join(own, "pid"), "utf8")), "SIGKILL");
  await expect.poll(() => isUp(index), { timeout: 10_000 }).toBe(false);
  return async () => {
    const engine = spawn(join(root, "script/machines/start-engine"), [machines, String(index)], {
      detached: true,
      stdio: "ignore",
    });
    engine.unref();
    await expect.poll(() => isUp(index), { timeout: 120_000 }).toBe(true);
  };
}

const isUp = (index: number) =>
  docker(`--context=worker-${index}`, "node", "ls").then(
    () => true,
    (error: unknown) => /not a swarm manager/i.test(String(error)),
  );
