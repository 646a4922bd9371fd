import { execFileSync } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { Transform } from "node:stream";
import { portOf } from "./ports.ts";

/** The engine over TCP, through a proxy that can be cut off and can delay requests. */
export async function engineProxy() {
  const host = execFileSync(
    "docker",
    ["context", "inspect", "--format={{.Endpoints.docker.Host}}"],
    {
      encoding: "utf8",
    },
  ).trim();
  const sockets = new Set<Socket>();
  let connections = 0;
  let held = { path: /^$/, milliseconds: 0 };
  /** Forwards what the CLI sends; a held request arrives late, even if the CLI has exited by then. */
  const holdUp = () =>
    new Transform({
      transform(bytes: Buffer, _, done) {
        const [, path = ""] = /^[A-Z]+ (\S+) HTTP/.exec(bytes.toString("latin1")) ?? [];
        const isHeld = path !== "" && held.path.test(path);
        setTimeout(() => done(null, bytes), isHeld ? held.milliseconds : 0);
      },
    });
  // The CLI may end its input and still read output.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections++;
    const engine = connect({ path: host.replace(/^unix:\/\//, ""), allowHalfOpen: true });
    for (const [from, to] of [
      [client, engine],
      [engine, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => sockets.delete(from));
    }
    client.pipe(holdUp()).pipe(engine);
    engine.pipe(client);
  }).listen(0, "127.0.0.1");
  const port = await portOf(server);
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const hold = (path: RegExp, milliseconds: number) => {
    held = { path, milliseconds };
  };
  return { host: `tcp://127.0.0.1:${port}`, cut, hold, connections: () => connections };
}
