import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { basename } from "node:path";
import type { Docker } from "./docker.ts";
import { isLocalEndpoint } from "./endpoint.ts";

/** Ports are published on this address only, so nothing is reachable from other machines. */
export const loopback = "127.0.0.1";

/** A port held by this process, free for others once released. */
interface Held {
  readonly port: number;
  release(): Promise<void>;
}

/** How many ports of a range are tried, for each that is needed, before the kernel chooses one. */
const triesInRange = 20;
/** A smaller range would often be used up. */
const smallestRange = 1000;
const lastPort = 65_535;

/**
 * The ports above those that the kernel gives out. Nobody gets one of them by chance: not a
 * connection, not a server that listens on port 0, and not a container with `-p 8500`. So a node that
 * is stopped for a while finds its ports free. Pure.
 *
 * @param given - what `/proc/sys/net/ipv4/ip_local_port_range` has: `32768\t60999`
 * @returns first and last; undefined if there are too few, or if the text is something else
 */
export function rangeAbove(given: string): readonly [first: number, last: number] | undefined {
  const [, lastGiven] = /^\d+\s+(\d+)\s*$/.exec(given) ?? [];
  const first = Number(lastGiven) + 1;
  return lastPort - first + 1 >= smallestRange ? [first, lastPort] : undefined;
}

/**
 * Finds ports of the loopback that are free for TCP and for UDP. Between the answer and their use
 * another process may take one: be ready to ask again.
 *
 * @param count - how many; all are different
 * @param kept - ports that are somebody's, though they are free at the moment
 */
export async function freePorts(count: number, kept: ReadonlySet<number>): Promise<number[]> {
  const range = rangeAbove(
    readOr(() => readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), ""),
  );
  const held: Held[] = [];
  try {
    for (let tries = 0; held.length < count; tries++) {
      const isDrawn = range !== undefined && tries < count * triesInRange;
      const each = await hold(isDrawn ? randomInt(range[0], range[1] + 1) : 0);
      if (each && !kept.has(each.port)) held.push(each);
      else await each?.release();
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map((each) => each.release()));
  }
}

/**
 * Holds a port for TCP, if it is free for UDP as well.
 *
 * @param port - 0 lets the kernel choose
 * @returns undefined if another process has it
 */
async function hold(port: number): Promise<Held | undefined> {
  try {
    const tcp = await holdTcp(port);
    if (!(await isTaken(tcp.port, "udp"))) return tcp;
    await tcp.release();
  } catch (error) {
    if (!isInUse(error)) throw error;
  }
  return undefined;
}

const isInUse = (error: unknown) =>
  error instanceof Error && "code" in error && error.code === "EADDRINUSE";

/** @returns whether another process listens on this port of the loopback */
export async function isTaken(port: number, protocol: "tcp" | "udp"): Promise<boolean> {
  try {
    await (await (protocol === "tcp" ? holdTcp : holdUdp)(port)).release();
    return false;
  } catch (error) {
    // We may not be allowed to open a port below 1024, but the engine is: let it try.
    return isInUse(error);
  }
}

/**
 * Finds the container, or else the process, that has a port of the engine's machine.
 *
 * @returns a description for messages: `the process 4711 (node)`
 */
export async function holderOf(docker: Docker, port: number): Promise<string> {
  const running = await docker.publications();
  const holders = running.filter(({ ports }) => includesPort(ports, port));
  if (holders.length > 0) return `the container ${holders.map(({ name }) => name).join(", ")}`;
  const holder = isLocalEndpoint(await docker.endpoint()) ? processOn(port) : undefined;
  return holder ?? "something that can't be seen from here";
}

/**
 * Whether a container publishes a port. The filter `publish` of `docker ps` would also give
 * containers that have stopped, and podman has no such filter.
 *
 * @param ports - in docker's words: `127.0.0.1:8500-8502->8500-8502/tcp, 8600/udp`
 */
export function includesPort(ports: string, port: number): boolean {
  return Array.from(ports.matchAll(/:(\d+)(?:-(\d+))?->/g)).some(
    ([, first, last = first]) => Number(first) <= port && port <= Number(last),
  );
}

/** Linux only: the socket tables have an inode, and a process's file descriptors link to it. */
function processOn(port: number): string | undefined {
  const inodes = ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
    inodesOn(
      port,
      readOr(() => readFileSync(`/proc/self/net/${table}`, "utf8"), ""),
    ),
  );
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const holder = readOr(() => readdirSync("/proc"), [])
    .filter((name) => /^\d+$/.test(name))
    .find((pid) =>
      readOr(() => readdirSync(`/proc/${pid}/fd`), []).some((fd) =>
        links.has(readOr(() => readlinkSync(`/proc/${pid}/fd/${fd}`), "")),
      ),
    );
  if (holder === undefined) return undefined;
  const [program = ""] = readOr(() => readFileSync(`/proc/${holder}/cmdline`, "utf8"), "").split(
    "\0",
  );
  const name = basename(program);
  return `the process ${holder} (${name})`;
}

/**
 * Inodes of the sockets that listen on a port: state 0A is TCP LISTEN, 07 is an unconnected UDP
 * socket (Linux, proc(5) and include/net/tcp_states.h).
 */
function inodesOn(port: number, table: string): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && /^(0A|07)$/.test(state ?? ""))
    .flatMap(({ 9: inode }) => inode ?? []);
}

/** Ignores what is gone or not ours to read: the result only goes into a message. */
function readOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

async function holdTcp(port: number): Promise<Held> {
  const server = createServer().listen(port, loopback);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const release = async () => {
    server.close();
    await once(server, "close");
  };
  return { port: address.port, release };
}

async function holdUdp(port: number): Promise<Held> {
  const socket = createSocket("udp4").bind(port, loopback);
  await once(socket, "listening");
  const release = async () => {
    socket.close();
    await once(socket, "close");
  };
  return { port, release };
}
