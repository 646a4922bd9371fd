import { parseAnswer, type SwarmFacts, swarmAnswer } from "./answers.ts";
import type { Cli } from "./cli.ts";

/** What an engine says of the swarm that it is a node of. */
export async function askSwarm(cli: Cli): Promise<SwarmFacts> {
  const answer = await cli.run(["info", "--format={{json .Swarm}}"]);
  const { NodeID, NodeAddr, ControlAvailable } = parseAnswer(swarmAnswer, "info", answer);
  return { node: NodeID, address: NodeAddr, isManager: ControlAvailable };
}
