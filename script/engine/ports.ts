import { once } from "node:events";
import type { Server } from "node:net";

/** The TCP port that a server listens on. */
export async function portOf(server: Server): Promise<number> {
  if (!server.listening) await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return address.port;
}
