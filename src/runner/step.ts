/**
 * Runs a step and ends the process when it is over, even if a docker command that never answers
 * still holds its pipes.
 */
export async function runStep(step: () => Promise<void>): Promise<never> {
  await step();
  // Output to a pipe is asynchronous, and an exit would cut it off.
  await Promise.all([process.stdout, process.stderr].map(flush));
  process.exit();
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
