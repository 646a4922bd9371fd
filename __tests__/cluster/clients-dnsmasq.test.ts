/** dnsmasq as docs/clients.md sets it up: names under .consul go to the cluster. */
import { type ChildProcess, spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeOf, type Up, up } from "../support/cluster.ts";
import { docker, runLikeThisMachine, testImage } from "../support/engine.ts";
import { freePorts } from "../support/ports.ts";

/** The service's port is that of its node's HTTP API, so that a request to it has an answer. */
const services = `
services:
  - { name: web, node: client-1, port: 8500, check: { ttl: 1h, status: passing } }
  - { name: broken, node: client-1, port: 8500, check: { ttl: 1h, status: critical } }
`;

let cluster: Up;
beforeAll(async () => {
  cluster = await up({ servers: "1", clients: "1", cluster: services });
});
afterAll(() => cluster.down());

/** Options as docs/clients.md has them, and those that keep this machine's own settings out. */
const options = (dnsHost: string, dnsPort: string) => [
  ...["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--no-resolv", "--no-hosts"],
  `--server=/consul/${dnsHost}#${dnsPort}`,
];

async function stop(process: ChildProcess): Promise<void> {
  process.kill();
  if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
}

/** Resolves names through dnsmasq on this machine while it runs. */
async function throughDnsmasq(use: (resolver: Resolver) => Promise<void>): Promise<void> {
  const [port] = await freePorts(1);
  const { "dns-host": dnsHost = "", "dns-port": dnsPort = "" } = cluster.outputs;
  const own = ["--listen-address=127.0.0.1", "--bind-interfaces", `--port=${port}`];
  const path = `${process.env.PATH}:/usr/sbin`;
  const args = [...own, ...options(dnsHost, dnsPort)];
  const dnsmasq = spawn("dnsmasq", args, { env: { PATH: path }, stdio: "inherit" });
  await once(dnsmasq, "spawn");
  try {
    const resolver = new Resolver({ timeout: 1000, tries: 5 });
    resolver.setServers([`127.0.0.1:${port}`]);
    // It listens a moment after it has started.
    await expect
      .poll(() => resolver.resolve4("consul.service.consul"), { timeout: 10_000, interval: 50 })
      .toEqual([nodeOf(cluster, "server-1").ip]);
    await use(resolver);
  } finally {
    await stop(dnsmasq);
  }
}

test("dnsmasq on the runner finds a service's address and port, and its node", () =>
  throughDnsmasq(async (resolver) => {
    const { ip } = nodeOf(cluster, "client-1");
    expect(await resolver.resolve4("web.service.consul")).toEqual([ip]);
    const [{ name, port } = { name: "", port: 0 }, ...others] =
      await resolver.resolveSrv("web.service.consul");
    expect([name, port, others]).toEqual(["client-1.node.dc1.consul", 8500, []]);
    expect(await resolver.resolve4(name)).toEqual([ip]);
    await expect(resolver.resolve4("broken.service.consul")).rejects.toThrow("ENOTFOUND");
  }));

test("names outside of .consul do not reach the cluster", () =>
  throughDnsmasq(async (resolver) => {
    // There is no other server here, so dnsmasq itself refuses.
    await expect(resolver.resolve4("web.service.example")).rejects.toThrow("EREFUSED");
  }));

test("dnsmasq in a container lets other containers call a service by its name", async () => {
  const machine = await runLikeThisMachine();
  const network = `--network=${cluster.outputs.network}`;
  const { ip } = nodeOf(cluster, "client-1");
  const dnsmasq = await docker(
    ...["run", "--detach", ...machine, network, "--entrypoint=/usr/sbin/dnsmasq", testImage()],
    // The image's list of users may not have the one that dnsmasq changes to.
    ...["--user=root", ...options(ip, "8600")],
  );
  try {
    const format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const address = await docker("container", "inspect", format, dnsmasq);
    const client = [...machine, network, `--dns=${address}`, `--entrypoint=${process.execPath}`];
    const urls = ["web.service.consul", "server-1"].map(
      (host) => `http://${host}:8500/v1/agent/self`,
    );
    const script = `for (const url of ${JSON.stringify(urls)})
      console.log((await (await fetch(url)).json()).Config.NodeName);`;
    const answers = await docker(
      ...["run", "--rm", ...client, testImage(), "--input-type=module", "--eval", script],
    );
    // The network's own names still resolve.
    expect(answers.split("\n")).toEqual(["client-1", "server-1"]);
  } finally {
    // The cluster's network can't be removed before.
    await docker("rm", "--force", "--volumes", dnsmasq);
  }
});
