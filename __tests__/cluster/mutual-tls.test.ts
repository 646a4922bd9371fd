/**
 * Mutual TLS with the user's own CA and management token: one cluster through the steps of a job, of which
 * each has to show a certificate.
 */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, type StepResult } from "../../script/runner.ts";
import { fault, upgrade } from "../support/actions.ts";
import { nodeOf, testInputs, type Up, up } from "../support/cluster.ts";
import { filesIn } from "../support/container-files.ts";
import { docker, run, testImage } from "../support/engine.ts";
import { grpcMediaType } from "../support/grpc.ts";
import { rebuilt } from "../support/images.ts";
import { ask, consulCommand, credentials } from "../support/later-step.ts";
import { RecordedJob } from "../support/record.ts";

const token = "5C0F9A0E-6d3b-4d52-9b6e-0f1a2b3c4d5e";

/** A CA and a certificate that it signed, with their keys, by the image's own Consul. */
async function newCa(): Promise<Record<"ca" | "caKey" | "cert" | "key", string>> {
  const script =
    "cd /tmp && consul tls ca create >/dev/null && consul tls cert create -cli >/dev/null && for f in consul-agent-ca.pem consul-agent-ca-key.pem dc1-cli-consul-0.pem dc1-cli-consul-0-key.pem; do cat $f; echo @; done";
  const said = await docker("run", "--rm", "--entrypoint=sh", testImage(), "-c", script);
  const [ca = "", caKey = "", cert = "", key = ""] = said.split("@\n");
  return { ca, caKey, cert, key };
}

/** How a connection ends without a certificate: by an alert, or before it is read. */
const refusal = /alert|ECONNRESET|socket hang up/;

/** A line that only this key has. */
const lineOf = (key: string) => key.split("\n")[2] ?? "";

let temp: string;
let own: Awaited<ReturnType<typeof newCa>>;
let cluster: Up;
const http = () => cluster.outputs["http-address"] ?? "";

beforeAll(async () => {
  temp = mkdtempSync(join(tmpdir(), "mutual-"));
  own = await newCa();
  writeFileSync(join(temp, "ca.pem"), own.ca);
  writeFileSync(join(temp, "ca key.pem"), own.caKey);
  cluster = await up(
    {
      ...{ servers: "1", clients: "1", storage: "disk", cli: "true" },
      ...{ acl: "true", "management-token": token, tls: "mutual" },
      ...{ "ca-cert": "ca.pem", "ca-key": "ca key.pem" },
    },
    { env: { GITHUB_WORKSPACE: temp }, debug: true },
  );
});

afterAll(async () => {
  await cluster.down();
  rmSync(temp, { recursive: true });
});

test("outputs and environment have the given token and CA, and the job's own certificate", () => {
  const { outputs, result } = cluster;
  const { "client-cert": cert = "", "client-key": key = "", "ca-cert": ca = "" } = outputs;
  expect(outputs["http-token"]).toBe(token);
  expect(readFileSync(ca, "utf8")).toBe(own.ca);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect(result.env).toMatchObject({
    CONSUL_HTTP_TOKEN: token,
    CONSUL_CACERT: ca,
    CONSUL_CLIENT_CERT: cert,
    CONSUL_CLIENT_KEY: key,
  });
});

test("every agent answers who shows a certificate of the CA, and nobody else", async () => {
  const { ca = "", ...known } = credentials(cluster);
  const { cert, key } = await newCa();
  for (const { http: url } of cluster.nodes) {
    const path = `${url}/v1/agent/self`;
    expect((await ask(path, { ca, ...known })).status).toBe(200);
    await expect(ask(path, { ca, token })).rejects.toThrow(refusal);
    await expect(ask(path, { ca, token, cert, key })).rejects.toThrow(refusal);
  }
  const { grpc } = nodeOf(cluster, "server-1");
  expect(await grpcMediaType(grpc, ca)).toBe("application/grpc");
});

test("`consul` works on the runner, and in the containers with the agents' own certificates", async () => {
  const listed = await consulCommand(cluster, ["members"]);
  expect(listed.stderr).toBe("");
  expect(listed.stdout.match(/ alive /g)).toHaveLength(2);
  for (const { container } of cluster.nodes) {
    const inside = ["exec", container, "consul", "members", `-token=${token}`];
    expect((await run("docker", inside)).stdout).toContain("client-1");
  }
  const without = { CONSUL_CLIENT_CERT: "", CONSUL_CLIENT_KEY: "" };
  const refused = await consulCommand(cluster, ["members"], { env: without });
  expect(refused.exitCode).toBe(1);
});

test("secrets are only where they must be", async () => {
  const containers = cluster.nodes.map(({ container }) => container);
  const { rawLog, summary, state } = cluster.result;
  const unmasked = rawLog.split("\n").filter((line) => !line.startsWith("::add-mask::"));
  const secrets = [token, lineOf(own.caKey), lineOf(credentials(cluster).key ?? "")];
  const places = {
    log: unmasked.join("\n"),
    summary,
    state: JSON.stringify(state),
    inspected: await docker("inspect", ...containers),
  };
  for (const [place, text] of Object.entries(places))
    for (const secret of secrets) expect(text.includes(secret), place).toBe(false);
  for (const secret of secrets) expect(rawLog).toContain(`::add-mask::${secret}`);
  const keyOfCa = Buffer.from(lineOf(own.caKey));
  for (const container of containers)
    for (const { name, data = [] } of await filesIn(container, "/consul"))
      expect(Buffer.from(data).includes(keyOfCa), name).toBe(false);
});

test("later steps show the certificate: wait, fault, and upgrade", async () => {
  expect((await consulCommand(cluster, ["kv", "put", "ready", "yes"])).exitCode).toBe(0);
  const waited = await cluster.job.main({ key: "ready", value: "yes" }, join(root, "wait"));
  expect(waited.exitCode, waited.log).toBe(0);
  await fault(cluster, "restart", "client-1");
  const upgraded = await upgrade(cluster, { image: await rebuilt(testImage()) });
  expect(upgraded.exitCode, upgraded.log).toBe(0);
  const path = `${http()}/v1/kv/ready?raw`;
  expect((await ask(path, credentials(cluster))).body).toBe("yes");
  const { ca = "" } = credentials(cluster);
  await expect(ask(path, { ca, token })).rejects.toThrow(refusal);
});

test("what can't be used is refused before anything starts", async () => {
  const attempt = async (inputs: Record<string, string>): Promise<StepResult> => {
    const job = new RecordedJob({ env: { GITHUB_WORKSPACE: temp } });
    const result = await job.main(testInputs({ servers: "1", ...inputs }));
    await job.post();
    job.dispose();
    expect(result.exitCode).toBe(1);
    expect(result.rawLog).not.toContain("Prepare image");
    return result;
  };
  writeFileSync(join(temp, "other.pem"), (await newCa()).caKey);
  const both = { tls: "true", "ca-cert": "ca.pem", "ca-key": "other.pem" };
  const [mismatch, folder, loose] = await Promise.all([
    attempt(both),
    attempt({ ...both, "ca-key": "." }),
    attempt({ "management-token": token, "ca-cert": "ca.pem" }),
  ]);
  expect(mismatch.log).toContain("is not the key of the first certificate in `ca-cert`");
  expect(folder.log).toContain("a directory, not a regular file");
  expect(loose.log).toContain("title=Invalid input%3A management-token::");
  expect(loose.log).toContain("title=Invalid input%3A ca-key::");
});

test("`scale` adds no nodes: the user's CA key is not kept", async () => {
  const step = await cluster.job.main({ clients: "2" }, join(root, "scale"));
  expect(step.exitCode, step.log).toBe(1);
  expect(step.log).toContain("::error title=No key to sign with::");
  expect(await docker("ps", "--all", "--format={{.Names}}")).not.toContain(
    nodeOf(cluster, "client-1").container.replace(/1$/, "2"),
  );
});

test("`remove` takes the certificate and its variables away", async () => {
  const folder = dirname(cluster.outputs["client-key"] ?? "");
  expect(readdirSync(folder)).toContain("client-key.pem");
  const removal = await cluster.job.main({}, join(root, "remove"));
  expect(removal.exitCode, removal.log).toBe(0);
  expect(removal.env).toMatchObject({ CONSUL_CLIENT_CERT: "", CONSUL_CLIENT_KEY: "" });
  expect(existsSync(folder)).toBe(false);
});
