/** Requests to a cluster without credentials: Consul's HTTP API, and its DNS over UDP and TCP. */
import { NOTFOUND } from "node:dns";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect } from "node:net";
import { type Packet, type RecordType, streamDecode, streamEncode } from "dns-packet";
import * as z from "zod";

/** GETs a URL, which must answer with 2xx. */
export async function httpGet(url: string): Promise<string> {
  const response = await fetch(url);
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body}`);
  return body;
}

/** GETs a URL of the HTTP API. The answer must be JSON of that shape. */
export async function getJson<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await httpGet(url)));
}

const membersSchema = z.array(z.object({ Name: z.string(), Addr: z.string(), Status: z.number() }));

/** Names of the members that are alive (status 1 of Serf), as this node sees them, sorted. */
export async function aliveMembers(http: string): Promise<string[]> {
  const members = await getJson(`${http}/v1/agent/members`, membersSchema);
  return members
    .filter(({ Status }) => Status === 1)
    .map(({ Name }) => Name)
    .sort();
}

const raftSchema = z.object({
  Servers: z.array(z.object({ Node: z.string(), Voter: z.boolean() })),
});

/** Names of the raft voters, sorted. */
export async function voters(http: string): Promise<string[]> {
  const { Servers } = await getJson(`${http}/v1/operator/raft/configuration`, raftSchema);
  return Servers.filter(({ Voter }) => Voter)
    .map(({ Node }) => Node)
    .sort();
}

/** Names of the nodes in the catalog, sorted. */
export async function catalogNodes(http: string): Promise<string[]> {
  const nodes = await getJson(`${http}/v1/catalog/nodes`, z.array(z.object({ Node: z.string() })));
  return nodes.map(({ Node }) => Node).sort();
}

/** Asks a DNS server over UDP for IPv4 addresses: none if it does not know the name. */
export async function resolveByUdp(server: string, name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 5000, tries: 1 });
  resolver.setServers([server]);
  try {
    return (await resolver.resolve4(name)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === NOTFOUND) return [];
    throw error;
  }
}

/** Asks a DNS server over TCP for IPv4 addresses. */
export async function resolveByTcp(server: string, name: string): Promise<string[]> {
  const { answers = [] } = await queryByTcp(server, name, "A");
  return answers.flatMap((answer) => (answer.type === "A" ? [answer.data] : [])).sort();
}

async function queryByTcp(server: string, name: string, type: RecordType): Promise<Packet> {
  const { hostname, port } = new URL(`tcp://${server}`);
  const socket = connect({ host: hostname, port: Number(port), signal: AbortSignal.timeout(5000) });
  try {
    socket.write(streamEncode({ type: "query", id: 1, questions: [{ type, name }] }));
    let received = Buffer.alloc(0);
    // A message is preceded by its length in two bytes (RFC 1035, 4.2.2).
    while (received.length < 2 || received.length < 2 + received.readUInt16BE())
      received = Buffer.concat([
        received,
        z.instanceof(Buffer).parse((await once(socket, "data"))[0]),
      ]);
    return streamDecode(received);
  } finally {
    socket.destroy();
  }
}
