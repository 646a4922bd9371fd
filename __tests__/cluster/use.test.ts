import Consul from "consul";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { browserPath } from "../../script/browser.ts";
import { nodeOf, type Up, up } from "../support/cluster.ts";
import { getJson, resolveByTcp, resolveByUdp } from "../support/consul.ts";
import { docker, testImage } from "../support/engine.ts";
import { needsUi } from "../support/needs.ts";

/** The cluster that all of these tests share. */
let cluster: Up;
beforeAll(async () => {
  cluster = await up({ servers: "3", clients: "2", datacenter: "east" });
});
afterAll(() => cluster.down());

const node = (name: string) => nodeOf(cluster, name);

function sdk(name: string): Consul {
  const { hostname, port } = new URL(node(name).http);
  return new Consul({ host: hostname, port: Number(port) });
}

const serverAddresses = () =>
  cluster.nodes
    .filter(({ role }) => role === "server")
    .map(({ ip }) => ip)
    .sort();

test("a value written through a client is read through another and through a server", async () => {
  await sdk("client-1").kv.set("greeting", "hello");
  expect(await sdk("client-2").kv.get("greeting")).toMatchObject({ Value: "hello" });
  expect(await sdk("server-3").kv.get("greeting")).toMatchObject({ Value: "hello" });
});

describe("DNS resolves the servers", () => {
  test("over UDP", async () => {
    const { "dns-address": dns = "" } = cluster.outputs;
    expect(await resolveByUdp(dns, "consul.service.consul")).toEqual(serverAddresses());
    expect(await resolveByUdp(dns, "client-2.node.east.consul")).toEqual([node("client-2").ip]);
  });

  test("over TCP", async () => {
    const { "dns-address": dns = "" } = cluster.outputs;
    expect(await resolveByTcp(dns, "consul.service.consul")).toEqual(serverAddresses());
    expect(await resolveByTcp(dns, "nobody.node.consul")).toEqual([]);
  });
});

test("a service whose HTTP check passes is found by HTTP and by DNS, one that fails is not", async () => {
  const { "dns-address": dns = "" } = cluster.outputs;
  const web = `web-${cluster.outputs["cluster-id"]}`;
  // An agent of its own: an image may have no other HTTP server.
  const args = ["agent", "-dev", "-client=0.0.0.0"];
  await docker(
    ...["run", "--detach", `--name=${web}`, `--network=${cluster.outputs.network}`],
    ...["--network-alias=web", "--entrypoint=consul", testImage(), ...args],
  );
  try {
    const check = (path: string) => ({
      name: "answers",
      http: `http://web:8500/${path}`,
      interval: "200ms",
      timeout: "2s",
    });
    const { agent } = sdk("client-1");
    await agent.service.register({ name: "web", port: 80, check: check("v1/status/leader") });
    await agent.service.register({ name: "broken", port: 81, check: check("no-such-file") });

    // Asked from a server, since a client agent may know of the check before the catalog does.
    const found = z.array(
      z.object({ Node: z.object({ Node: z.string() }), Service: z.object({ Port: z.number() }) }),
    );
    const healthy = (service: string) =>
      getJson(`${node("server-2").http}/v1/health/service/${service}?passing`, found);
    await expect
      .poll(() => healthy("web"), { timeout: 20_000, interval: 50 })
      .toEqual([{ Node: { Node: "client-1" }, Service: { Port: 80 } }]);
    // DNS answers from its own server's state, which may be a moment behind the leader.
    await expect
      .poll(() => resolveByUdp(dns, "web.service.consul"), { timeout: 20_000, interval: 50 })
      .toEqual([node("client-1").ip]);
    expect(await resolveByTcp(dns, "web.service.consul")).toEqual([node("client-1").ip]);

    // A check starts as critical, so its status means nothing before it has run. The output comes
    // from the check's own agent: the catalog gets it later (check_update_interval).
    const checks = z.record(z.string(), z.object({ Status: z.string(), Output: z.string() }));
    await expect
      .poll(() => getJson(`${node("client-1").http}/v1/agent/checks`, checks), {
        timeout: 20_000,
        interval: 50,
      })
      .toMatchObject({
        "service:broken": { Status: "critical", Output: expect.stringContaining("404") },
      });
    expect(await healthy("broken")).toEqual([]);
    expect(await resolveByTcp(dns, "broken.service.consul")).toEqual([]);
  } finally {
    await docker("rm", "--force", "--volumes", web);
  }
});

test("outputs, environment and summary agree", async () => {
  const { outputs, result } = cluster;
  expect(result.env).toEqual({
    CONSUL_HTTP_ADDR: outputs["http-address"],
    CONSUL_GRPC_ADDR: outputs["grpc-address"],
  });
  expect(outputs["client-address"]).toBe(node("client-1").http);
  expect(outputs).toMatchObject({ datacenter: "east", network: expect.stringMatching(/^consul-/) });
  expect(cluster.nodes.map(({ datacenter }) => datacenter)).toEqual(Array(5).fill("east"));
  const version = await docker("exec", node("client-1").container, "consul", "version");
  expect(version).toContain(`Consul v${outputs.version}\n`);
  for (const { name, ip, http } of cluster.nodes) {
    expect(result.summary).toContain(`| ${name} |`);
    expect(result.summary).toContain(`| ${ip} |`);
    expect(result.summary).toContain(`| \`${http}\` |`);
  }
  expect(result.summary).not.toContain("](http");
});

const networkChanged = "ERR_NETWORK_CHANGED";

describe("the UI in a browser", needsUi(), () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: browserPath(),
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  });
  afterAll(() => browser?.close());

  test("shows the nodes and the services, and is not a blank page", async () => {
    // The UI draws only as much of a list as it takes to be in view.
    const page = await browser.newPage({ viewport: { width: 1280, height: 2000 } });
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("requestfailed", (request) =>
      problems.push(`${request.url()}: ${request.failure()?.errorText}`),
    );
    // Chromium gives up what it loads when the machine's interfaces change, as with every container that
    // starts or ends beside this test.
    const open = async (path: string) => {
      do {
        problems.length = 0;
        await page.goto(`${cluster.outputs["http-address"]}${path}`).catch((error) => {
          if (!String(error).includes(networkChanged)) throw error;
          problems.push(String(error));
        });
      } while (problems.some((problem) => problem.includes(networkChanged)));
    };
    const shows = async (name: string) => {
      // Several megabytes of script take more than Playwright's 30 s on a busy machine.
      const visible = { state: "visible", timeout: 100_000 } as const;
      await page
        .getByRole("link", { name })
        .first()
        .waitFor(visible)
        .catch(async (cause) => {
          const text = await page.locator("body").innerText();
          throw new Error([`no link ${name} on ${page.url()}:`, text, ...problems].join("\n"), {
            cause,
          });
        });
    };
    const blank = await page.screenshot();
    await open("/ui/east/nodes");
    for (const { name } of cluster.nodes) await shows(name);
    const nodes = await page.screenshot();
    await open("/ui/east/services");
    await shows("consul");
    const services = await page.screenshot();
    // One color compresses to next to nothing, so a page with anything on it is far larger.
    expect(nodes.length).toBeGreaterThan(3 * blank.length);
    expect(services.length).toBeGreaterThan(3 * blank.length);
  });
});
