/** Ports of the loopback: free ones, and one that is taken. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { portOf } from "../../script/engine/ports.ts";

export { portOf };

/** Ports of the loopback that nothing uses, neither for TCP nor for UDP. */
export async function freePorts(count: number): Promise<number[]> {
  const listeners = await Promise.all(Array.from({ length: 2 * count }, listener));
  for (const { stop } of listeners) stop();
  const isFree = async (port: number) => {
    const socket = createSocket("udp4").bind(port, "127.0.0.1");
    try {
      await once(socket, "listening");
      return true;
    } catch {
      return false;
    } finally {
      socket.close();
    }
  };
  const ports: number[] = [];
  for (const { port } of listeners) if (await isFree(port)) ports.push(port);
  if (ports.length < count) throw new Error("too few free ports");
  return ports.slice(0, count);
}

/** Something that listens on a free TCP port of the loopback. */
export async function listener() {
  const server = createServer().listen(0, "127.0.0.1");
  const port = await portOf(server);
  return { port, stop: () => server.close() };
}
