/** The variables by which later steps still know a cluster that is gone. */
import { dirname } from "node:path";
import type { Docker } from "../docker/docker.ts";
import { agentIn, readCredentials } from "../find/existing-cluster.ts";
import { nodeContainers } from "../find/node-containers.ts";
import { addressOf } from "../plan/plan.ts";
import { runnerFolder } from "../report/runner-folder.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the start of a cluster may have exported. */
export interface Exported {
  /** URLs of the agents' HTTP APIs. */
  readonly http: readonly string[];
  /** `host:port` of the agents' gRPC. */
  readonly grpc: readonly string[];
  /** The management token; empty without ACLs. */
  readonly token: string;
  /** The folder that the CA's certificate is in, and the job's own. */
  readonly folder: string;
}

/**
 * What the start of a cluster may have exported, from what is left of its nodes.
 *
 * @throws DockerError if the engine does not answer
 */
export async function exportedFor(
  docker: Docker,
  clusterId: string,
  env: Environment,
): Promise<Exported> {
  const facts = await nodeContainers(docker, clusterId, env);
  const credentials = await readCredentials(docker, facts);
  const agents = facts.map((each) => agentIn(each, credentials));
  return {
    http: agents.map(({ http }) => http),
    grpc: agents.map((agent) => addressOf(agent, "grpc")),
    token: credentials.token ?? "",
    folder: runnerFolder(clusterId, env),
  };
}

/**
 * The variables that still have a value of this cluster. One that another cluster's start or the job
 * itself has set since is not among them.
 *
 * @param env - the environment of this step
 */
export function staleVariables({ http, grpc, token, folder }: Exported, env: Environment) {
  const isOwnAddress = (value: string) => http.includes(value);
  const isOwnFile = (value: string) => dirname(value) === folder;
  const isStale: Readonly<Record<string, (value: string) => boolean>> = {
    CONSUL_HTTP_ADDR: isOwnAddress,
    CONSUL_HTTP_TOKEN: (value) => value === token,
    CONSUL_GRPC_ADDR: (value) => grpc.includes(value.replace("https://", "")),
    // It says nothing about a cluster by itself.
    CONSUL_HTTP_SSL: () => isOwnAddress(env.CONSUL_HTTP_ADDR ?? ""),
    CONSUL_CACERT: isOwnFile,
    CONSUL_GRPC_CACERT: isOwnFile,
    CONSUL_CLIENT_CERT: isOwnFile,
    CONSUL_CLIENT_KEY: isOwnFile,
  };
  return Object.entries(isStale).flatMap(([name, check]) => {
    const value = env[name] ?? "";
    return value !== "" && check(value) ? [name] : [];
  });
}
