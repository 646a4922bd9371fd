/** What a later step of a job does with a cluster: requests with its credentials, and Consul's CLI. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request as openRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { delimiter } from "node:path";
import type * as z from "zod";
import type { ClusterNode, Up } from "./cluster.ts";
import { textIn } from "./container-files.ts";
import { run } from "./engine.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a request shows and trusts. */
interface Known {
  readonly token?: string;
  readonly ca?: string;
  /** The caller's certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** Requests a URL with only the credentials that are given. Rejects if there is no answer. */
export function ask(url: string, options: Known & { body?: string } = {}): Promise<Answer> {
  const { token, body, ...tls } = options;
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? secureRequest : openRequest;
    const headers = token === undefined ? {} : { "X-Consul-Token": token };
    const method = body === undefined ? "GET" : "PUT";
    const outgoing = send(url, { method, headers, ...tls }, (answer) => {
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
export function credentials({ outputs }: Up): Known {
  const { "http-token": token, "ca-cert": ca, "client-cert": cert, "client-key": key } = outputs;
  const files = Object.entries({ ca, cert, key }).flatMap(([name, file]) =>
    file ? [[name, readFileSync(file, "utf8")] as const] : [],
  );
  return { ...(token && { token }), ...Object.fromEntries(files) };
}

/** GETs JSON of that shape from a node's HTTP API, with the credentials of a later step. */
export async function query<T>(
  cluster: Up,
  { http, name }: ClusterNode,
  path: string,
  schema: z.ZodType<T>,
): Promise<T> {
  const { status, body } = await ask(`${http}${path}`, credentials(cluster));
  if (status !== 200) throw new Error(`${name}: ${http}${path} answered ${status}: ${body}`);
  return schema.parse(JSON.parse(body));
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

/** The logs of all agents. */
export async function logsOf({ nodes }: Up): Promise<string> {
  const logs = await Promise.all(
    nodes.map(({ container }) => run("docker", ["logs", container], { maxBuffer: 2 ** 26 })),
  );
  return logs.map(({ stdout, stderr }) => stdout + stderr).join("\n");
}

/** One file of an agent's secrets. */
export const secretFile = (container: string, name: string) =>
  textIn(container, `/consul/security/${name}`);
