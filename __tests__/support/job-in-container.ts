/**
 * Runs inside a container, as a job with `container:` does: main, a request to every node at its
 * address, post. Prints the answers as JSON. Something else in the container already listens on the
 * default ports, which doesn't matter: nothing is published.
 * usage: node job-in-container.ts <network of the container> <inputs as JSON>
 */
import { createServer } from "node:net";
import * as z from "zod";
import { Job } from "../../script/runner.ts";
import { aliveMembers } from "./consul.ts";
import { docker } from "./engine.ts";

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
  console.log(JSON.stringify({ outputs: main.outputs, members, published }));
} finally {
  await job.post();
  for (const other of others) other.close();
}
