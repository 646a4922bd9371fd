/** Requests to an agent's gRPC port. */
import { once } from "node:events";
import { connect } from "node:http2";
import * as z from "zod";

const headersSchema = z.object({ ":status": z.number(), "content-type": z.string() });

/**
 * Calls a method that no server has. The answer shows that gRPC listens: a proxy in front of a
 * closed port accepts the connection, but answers nothing.
 *
 * @param address - `host:port`
 * @param ca - the CA certificate, if the port has TLS
 * @returns the media type of the answer
 */
export async function grpcMediaType(address: string, ca?: string): Promise<string> {
  const session = connect(`${ca ? "https" : "http"}://${address}`, ca ? { ca } : {});
  try {
    const request = session.request({
      ":method": "POST",
      ":path": "/no.such.Service/Method",
      "content-type": "application/grpc",
      te: "trailers",
    });
    request.end();
    const signal = AbortSignal.timeout(5000);
    const closed = once(session, "close", { signal }).then(() => {
      throw new Error(`${address} closed the connection`);
    });
    const [headers]: unknown[] = await Promise.race([
      once(request, "response", { signal }),
      closed,
    ]);
    return headersSchema.parse(headers)["content-type"];
  } finally {
    session.destroy();
  }
}
