import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { loopback } from "./plan.ts";

/** A port held by this process, free for others once released. */
interface Held {
  readonly port: number;
  release(): Promise<void>;
}

/**
 * Finds ports of the loopback that are free for TCP and for UDP. Between the answer and their use
 * another process may take one: whoever uses them must be ready to ask again.
 *
 * @param count - how many; all are different
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: Held[] = [];
  try {
    while (held.length < count) {
      const tcp = await holdTcp(0);
      held.push(tcp);
      try {
        await (await holdUdp(tcp.port)).release();
      } catch {
        // Taken for UDP only. It stays held so that it isn't offered again, and is not counted.
        held.splice(held.indexOf(tcp), 1);
        await tcp.release();
      }
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map((each) => each.release()));
  }
}

/** @returns whether another process listens on this port of the loopback, for TCP */
export async function isTaken(port: number): Promise<boolean> {
  try {
    await (await holdTcp(port)).release();
    return false;
  } catch (error) {
    // A port below 1024 may be forbidden to us and still be open to the engine: not our call.
    return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
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
