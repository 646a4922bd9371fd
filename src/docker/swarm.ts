import { parseAnswer, type SwarmFacts, swarmAnswer } from "./answers.ts";
import type { Cli } from "./cli.ts";

/** What an engine says of the swarm that it is a node of. */
export async function askSwarm(cli: Cli): Promise<SwarmFacts> {
  const answer = await cli.run(["info", "--format={{json .Swarm}}"]);
  const swarm = parseAnswer(swarmAnswer, "info", answer);
  const { NodeID: node, NodeAddr: address, ControlAvailable: isManager, Cluster } = swarm;
  return { node, address, isManager, prefixLength: Cluster?.SubnetSize || defaultPrefixLength };
}

/** Of networks of a swarm that was made without `--default-addr-pool-mask-length` (docker swarm init). */
const defaultPrefixLength = 24;
