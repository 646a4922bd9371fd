import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { makeKeys } from "../../../src/apply/key-maker.ts";
import { Engine } from "../../../src/docker/engine.ts";
import { fakeDocker } from "../find/fixtures.ts";

/** Consul's tool: what it makes says what it was asked. */
const consul = `#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
version) echo "Consul v1.22.0"; exit "\${NO_CONSUL:-0}";;
*"$REFUSED"*) echo "consul refuses"; exit 1;;
"tls ca create") echo new-key >consul-agent-ca-key.pem; echo new-ca >consul-agent-ca.pem;;
"tls cert create"*)
  echo "key by $(cat ../ca.key)" >dc1-server-consul-0-key.pem
  echo "certificate by $(cat ../ca.pem): $*" >dc1-server-consul-0.pem;;
esac
`;

/** What runs in the container runs here. @param refused - what Consul refuses to do */
function toolsOf(refused = "nothing", noConsul = "0") {
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "consul"), consul);
  chmodSync(join(folder, "consul"), 0o755);
  const calls = join(folder, "calls");
  vi.stubEnv("CALLS", calls);
  vi.stubEnv("REFUSED", refused);
  vi.stubEnv("NO_CONSUL", noConsul);
  fakeDocker(`
while [ "$1" != -c ]; do shift; done
mkdir ${folder}/work; cd ${folder}/work
PATH=${folder}${delimiter}$PATH exec sh "$@"`);
  return { calls: () => readFileSync(calls, "utf8").trim().split("\n") };
}

const agents = Array.from({ length: 12 }, (_, index) => {
  const role = index < 6 ? "server" : "client";
  const node = `${role}-${(index % 6) + 1}`;
  return { role, node, container: `consul-c0ffee00-${node}`, datacenter: "dc1" } as const;
});

const begin = (
  tls: { isMutual: boolean } | undefined,
  signer: Parameters<typeof makeKeys>[2] = undefined,
  serversRun = Promise.resolve(),
) => {
  const docker = new Engine(new AbortController().signal, () => {});
  const owner = { clusterId: "c0ffee00", jobLabels: {} };
  return makeKeys({ docker, serversRun }, { owner, image: "consul", tls, agents }, signer);
};

const make = (...args: Parameters<typeof begin>) => begin(...args).ofAll;

test("without TLS, the image is asked for its version and user, and Consul makes nothing", async () => {
  const { calls } = toolsOf();
  const keys = await make(undefined);
  expect([...keys.keys()]).toEqual(["uid", "gid", "version", "clients"]);
  expect(keys.get("version")).toContain("Consul v1.22.0");
  expect(calls()).toEqual(["version"]);
});

test("a new CA signs a certificate for every agent", async () => {
  toolsOf();
  const keys = await make({ isMutual: false });
  expect(keys.get("key of the CA")?.trim()).toBe("new-key");
  expect(keys.get("CA")?.trim()).toBe("new-ca");
  for (const { role, node, container } of agents) {
    expect(keys.get(`key of ${node}`)?.trim()).toBe("key by new-key");
    expect(keys.get(`certificate of ${node}`)?.trim()).toBe(
      `certificate by new-ca: tls cert create -${role} -dc=dc1 -additional-dnsname=${node} -additional-dnsname=${container} -ca=../ca.pem -key=../ca.key`,
    );
  }
  expect(keys.has("key of the job")).toBe(false);
});

test("a CA that is given signs, also for the job, and is not printed as a new one", async () => {
  toolsOf();
  const keys = await make({ isMutual: true }, { key: "own-key\n", certificate: "own\n" });
  expect(keys.has("key of the CA")).toBe(false);
  expect(keys.get("CA")?.trim()).toBe("own");
  expect(keys.get("certificate of the job")?.trim()).toBe(
    "certificate by own: tls cert create -cli -dc=dc1 -ca=../ca.pem -key=../ca.key",
  );
  expect(keys.get("key of server-6")?.trim()).toBe("key by own-key");
});

test.each(["tls ca create", "additional-dnsname=server-5"])(
  "what Consul says when it refuses %s comes with its version",
  async (refused) => {
    toolsOf(refused);
    const keys = await make({ isMutual: false });
    expect(keys.get("failure")?.trim()).toBe("consul refuses");
    expect(keys.get("version")).toContain("Consul v1.22.0");
  },
);

test("what clients need is made once servers run", async () => {
  const { calls } = toolsOf();
  const serversRun = Promise.withResolvers<void>();
  const keys = begin({ isMutual: false }, undefined, serversRun.promise);
  const ofServers = await keys.ofServers;
  expect(ofServers.has("key of server-6")).toBe(true);
  expect(ofServers.has("key of client-1")).toBe(false);
  expect(calls().join()).not.toContain("client");
  serversRun.resolve();
  expect((await keys.ofAll).has("key of client-6")).toBe(true);
});

test("what is refused to a client does not keep servers waiting, and comes with all keys", async () => {
  toolsOf("additional-dnsname=client-5");
  const keys = begin({ isMutual: false });
  expect((await keys.ofServers).has("key of server-6")).toBe(true);
  expect((await keys.ofAll).get("failure")?.trim()).toBe("consul refuses");
});

test.each([undefined, { isMutual: false }])(
  "an image without Consul: an error (%o)",
  async (tls) => {
    toolsOf("nothing", "127");
    const keys = begin(tls);
    await expect(keys.ofServers).rejects.toThrow();
    await expect(keys.ofAll).rejects.toThrow();
  },
);
