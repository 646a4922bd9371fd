import { Agent, request } from "node:http";
import * as z from "zod";

/** A member of the gossip pool, as one agent sees it. */
export interface Member {
  readonly node: string;
  readonly ip: string;
  readonly isAlive: boolean;
  /** Consul's version, without build or metadata. */
  readonly version: string;
}

export interface RaftPeer {
  readonly node: string;
  readonly isLeader: boolean;
  readonly isVoter: boolean;
}

/** Members' status in Serf: 1 is alive (hashicorp/serf, `MemberStatus`). */
const alive = 1;

const membersAnswer = z.array(
  z.object({
    Name: z.string(),
    Addr: z.string(),
    Status: z.number(),
    Tags: z.object({ build: z.string() }),
  }),
);

const raftAnswer = z.object({
  Servers: z.array(z.object({ Node: z.string(), Leader: z.boolean(), Voter: z.boolean() })),
});

const checksAnswer = z.array(z.object({ Node: z.string(), CheckID: z.string() }));

/** A request that was answered with an error, wrongly, too late or not at all. */
export class ConsulError extends Error {
  override readonly name = "ConsulError";
}

/** Milliseconds. An agent answers in about 1; one that hangs must not hold up the others' turn. */
const requestTimeout = 2000;

// Connections stay open between questions: an agent is asked many times a second.
const connections = new Agent({ keepAlive: true });

/** The HTTP API of one agent. Every method rejects with a ConsulError that says what was seen. */
export class Consul {
  readonly #address: string;

  /** @param address - `host:port` of the agent's HTTP API */
  constructor(address: string) {
    this.#address = address;
  }

  /** The members of the LAN pool, as this agent sees them (`/v1/agent/members`). */
  async members(): Promise<Member[]> {
    const members = await this.#get("/v1/agent/members", membersAnswer);
    return members.map(({ Name, Addr, Status, Tags }) => ({
      node: Name,
      ip: Addr,
      isAlive: Status === alive,
      version: Tags.build.replace(/[:+].*/, ""),
    }));
  }

  /** The raft address of the leader, as this agent knows it; empty for none (`/v1/status/leader`). */
  async leader(): Promise<string> {
    return this.#get("/v1/status/leader", z.string());
  }

  /** The servers in raft's configuration (`/v1/operator/raft/configuration`). */
  async raftPeers(): Promise<RaftPeer[]> {
    const { Servers } = await this.#get("/v1/operator/raft/configuration", raftAnswer);
    return Servers.map(({ Node, Leader, Voter }) => ({
      node: Node,
      isLeader: Leader,
      isVoter: Voter,
    }));
  }

  /** Nodes of the catalog whose `serfHealth` passes, by a consistent read through this agent. */
  async healthyNodes(): Promise<string[]> {
    const checks = await this.#get("/v1/health/state/passing?consistent", checksAnswer);
    return checks.filter(({ CheckID }) => CheckID === "serfHealth").map(({ Node }) => Node);
  }

  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const text = await this.#request(path);
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      throw new ConsulError(`unexpected answer to ${path}: ${text.slice(0, 200)}`, { cause });
    }
  }

  #request(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string, cause?: unknown) => reject(new ConsulError(reason, { cause }));
      const outgoing = request(
        `http://${this.#address}${path}`,
        { agent: connections, signal: AbortSignal.timeout(requestTimeout) },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (part: string) => {
            text += part;
          });
          answer.on("error", (error) => fail(reasonOf(error), error));
          answer.on("end", () =>
            answer.statusCode === 200
              ? resolve(text)
              : fail(`${answer.statusCode} ${text.trim().slice(0, 200)}`),
          );
        },
      );
      outgoing.on("error", (error) => fail(reasonOf(error), error));
      outgoing.end();
    });
  }
}

/** Docker's proxy accepts a connection before the agent listens, then resets it. */
const reasons: Readonly<Record<string, string>> = {
  ABORT_ERR: `no answer within ${requestTimeout / 1000} s`,
  ECONNREFUSED: "connection refused",
  ECONNRESET: "not listening yet",
  ENOTFOUND: "name not known on the network",
};

function reasonOf(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  return reasons[code] ?? error.message;
}
