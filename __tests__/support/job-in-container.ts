/**
 * Runs inside a container, as a job with `container:` does: main, a request to every node at its
 * address, a service of this process that an agent checks, post. Prints the answers as JSON. Something else in the container already listens on the
 * default ports, which doesn't matter: nothing is published.
 * usage: node job-in-container.ts <network of the container> <inputs as JSON>
 */
import { createServer } from "node:net";
import * as z from "zod";
import { portOf } from "../../script/engine/ports.ts";
import { Job } from "../../script/runner.ts";
import { aliveMembers, getJson } from "./consul.ts";
import { docker } from "./engine.ts";
import { eventually } from "./eventually.ts";

/** The status of the check of a service that listens in this container. */
async function checkedService(http: string, host: string): Promise<string> {
  const server = createServer().listen(0);
  const Port = await portOf(server);
  const Check = { TCP: `${host}:${Port}`, Interval: "200ms" };
  const body = JSON.stringify({ Name: "mine", Address: host, Port, Check });
  await fetch(`${http}/v1/agent/service/register`, { method: "PUT", body });
  const schema = z.array(z.object({ Status: z.string() }));
  const statuses = await eventually(
    async () =>
      (await getJson(`${http}/v1/health/checks/mine`, schema)).map(({ Status }) => Status),
    ([status]) => status === "passing",
  );
  server.close();
  return statuses.join();
}

const [network, inputs = "{}"] = process.argv.slice(2);
const job = new Job({ contexts: { job: { container: { network } } } });
const others = [8500, 8600].map((port) => createServer().listen(port, "127.0.0.1"));
const main = await job.main(z.record(z.string(), z.string()).parse(JSON.parse(inputs)));
try {
  if (main.exitCode !== 0) throw new Error(main.log);
  const nodes = z
    .array(z.object({ http: z.string(), container: z.string() }))
    .parse(JSON.parse(main.outputs.nodes ?? ""));
  const members: Record<string, string[]> = {};
  for (const { http } of nodes) members[http] = await aliveMembers(http);
  const published = await Promise.all(nodes.map(({ container }) => docker("port", container)));
  const service = await checkedService(
    nodes.at(-1)?.http ?? "",
    main.outputs["host-address"] ?? "",
  );
  console.log(JSON.stringify({ outputs: main.outputs, members, published, service }));
} finally {
  await job.post();
  for (const other of others) other.close();
}
