/** What tests of secured clusters share: clients of a job's later step, and strangers. */
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request as openRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { delimiter } from "node:path";
import { promisify } from "node:util";
import { docker, type Up } from "./support.ts";

export const run = promisify(execFile);

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Asks a URL, with just the credentials that are given. Rejects where nobody answers. */
export function ask(
  url: string,
  options: { token?: string; ca?: string; body?: string } = {},
): Promise<Answer> {
  const { token, ca, body } = options;
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? secureRequest : openRequest;
    const headers = token === undefined ? {} : { "X-Consul-Token": token };
    const method = body === undefined ? "GET" : "PUT";
    const outgoing = send(url, { method, headers, ...(ca && { ca }) }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    outgoing.on("error", reject).end(body);
  });
}

/** The credentials that a later step of the job finds. */
export function credentials({ outputs }: Up): { token?: string; ca?: string } {
  const { "http-token": token, "ca-cert": file } = outputs;
  return { ...(token && { token }), ...(file && { ca: readFileSync(file, "utf8") }) };
}

/** The environment of a later step. */
export function laterEnvironment({ result }: Up): Record<string, string> {
  const { PATH = "", HOME = "", DOCKER_HOST } = process.env;
  const path = [...result.path, PATH].join(delimiter);
  return { HOME, ...(DOCKER_HOST && { DOCKER_HOST }), ...result.env, PATH: path };
}

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `consul` as a later step does, found by its name on the path. */
export function consulCommand(
  up: Up,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...laterEnvironment(up), ...options.env };
    const child = spawn("consul", args, { env, stdio: ["pipe", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        output[stream] += text;
      });
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, ...output }));
    child.stdin.end(options.input);
  });
}

/** Asks again until the answer is right: for what Consul does on a clock of its own. */
export async function eventually<T>(
  question: () => Promise<T>,
  isRight: (answer: T) => boolean,
  milliseconds = 15_000,
): Promise<T> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const answer = await question();
    if (isRight(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An image like the one under test, whose `consul` is this script. */
export async function imageWithScript(name: string, base: string, script: string): Promise<string> {
  const encoded = Buffer.from(script).toString("base64");
  const dockerfile = [
    `FROM ${base}`,
    // Another name for the shell, which no machine outside the image has.
    "RUN mkdir -p /usr/local/bin && cp /bin/busybox /consul/sh",
    `RUN echo ${encoded} | base64 -d >/usr/local/bin/consul && chmod 755 /usr/local/bin/consul`,
  ].join("\n");
  const image = `consul-cluster-action/test-${name}:1`;
  await new Promise<void>((resolve, reject) => {
    const child = spawn("docker", ["build", "--quiet", "--network=none", `--tag=${image}`, "-"], {
      env: { ...process.env, DOCKER_BUILDKIT: "0" },
      stdio: ["pipe", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(said))));
    child.stdin.end(dockerfile);
  });
  return image;
}

/** The logs of all agents. */
export async function logsOf({ nodes }: Up): Promise<string> {
  const logs = await Promise.all(
    nodes.map(({ container }) => run("docker", ["logs", container], { maxBuffer: 2 ** 26 })),
  );
  return logs.map(({ stdout, stderr }) => stdout + stderr).join("\n");
}

/** One file of an agent's secrets. */
export const secretFile = (container: string, name: string) =>
  docker("exec", container, "cat", `/consul/security/${name}`);
