import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { DockerError } from "../docker/docker-error.ts";
import { ActionError } from "../errors.ts";
import { markVolume } from "../find/network-mark.ts";
import { labelArguments } from "../plan/labels.ts";
import { engineFiles, rights } from "./network-tools.ts";

/** A node that is cut off from others. */
export interface Cut {
  readonly node: ContainerFacts;
  /** How later steps find it. */
  readonly state: "isolated" | "partitioned";
  /** The others' IPv4 addresses. */
  readonly addresses: readonly string[];
}

/**
 * Cuts an agent off from others, in both directions. The network's gateway, and with it the
 * published ports, still reaches it.
 *
 * A route to `lo` drops what is sent to an address without an error for the sender, as a broken
 * network does. (A `blackhole` route makes `sendto` fail, and then Consul's gossip sees no
 * agent as failed: memberlist's `probeNode`.) With strict reverse-path filtering the kernel also drops
 * whatever comes from such an address.
 */
export async function cutOff(
  docker: Docker,
  clusterId: string,
  { node, state, addresses }: Cut,
): Promise<void> {
  const mark = markVolume(node, state);
  await docker.createVolume([...labelArguments({ clusterId, jobLabels: {} }), mark]);
  const script = 'for address; do ip route replace "$address" dev lo; done';
  try {
    await inNetworkOf(docker, node, { options: [filter], script, args: addresses });
  } catch (error) {
    // Without `ip` nothing has changed. After any other failure it may be isolated from some.
    if (error instanceof ActionError && !(error instanceof DockerError))
      await docker.removeVolumes([mark]);
    throw error;
  }
}

/** Undoes `cutOff`. */
export async function reconnect(docker: Docker, node: ContainerFacts): Promise<void> {
  const script =
    'ip route | while read -r address dev name rest; do if [ "$name" = lo ]; then ip route del "$address" dev lo; fi; done';
  await inNetworkOf(docker, node, { options: [], script, args: [] });
  await docker.removeVolumes([markVolume(node, "isolated"), markVolume(node, "partitioned")]);
}

const filter = "--sysctl=net.ipv4.conf.all.rp_filter=1";

interface Work {
  /** More options of `docker run`. */
  readonly options: readonly string[];
  /** For `sh`. It may use `ip`. */
  readonly script: string;
  readonly args: readonly string[];
}

/**
 * Runs a script in a node's network namespace, in a container of the node's image: the node itself may
 * not change its routes. Images with `-ubi` in the tag have no `ip`, so there it is that of the
 * engine's machine, whose files the container then sees without being able to write to them.
 *
 * @throws ActionError if neither has `ip`
 */
async function inNetworkOf(docker: Docker, node: ContainerFacts, work: Work): Promise<void> {
  const { Name, Config } = node;
  const engine = await docker.at(Name);
  const run = (options: readonly string[], ip: string) => {
    const script = `${ip}\n${work.script}`;
    const all = [`--network=container:${Name}`, ...work.options, ...options, ...rights];
    const command = ["--entrypoint=sh", Config.Image, "-ec", script, "sh", ...work.args];
    return engine.runToEnd([...all, ...command]);
  };
  try {
    await run([], needIp("command -v ip"));
  } catch (error) {
    if (!isWithoutIp(error)) throw error;
    await run(engineFiles, `${needIp("chroot /engine ip -V")}\n${engineIp}`).catch(
      (reason: unknown) => {
        throw isWithoutIp(reason) ? noIp(node, reason) : reason;
      },
    );
  }
}

const missing = "there is no ip here";
const needIp = (test: string) => `${test} >/dev/null 2>&1 || { echo "${missing}" >&2; exit 1; }`;
const isWithoutIp = (error: unknown): error is DockerError =>
  error instanceof DockerError && error.said.includes(missing);

const engineIp = 'ip() { chroot /engine ip "$@"; }';

function noIp({ Config }: ContainerFacts, cause: DockerError): ActionError {
  const message = `To change an agent's routes, \`isolate\`, \`partition\`, and \`heal\` need the program \`ip\` (iproute2 or BusyBox). Neither the image ${Config.Image} nor the engine's machine has it. Use an image that has it, such as the official one without \`-ubi\` in the tag.`;
  return new ActionError("No `ip` to isolate with", message, { cause });
}
