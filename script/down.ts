/** npm run down: runs the post step of every cluster that `npm run up` started. */
import { forget, remembered } from "./clusters.ts";
import { linePrinter } from "./print.ts";
import { Job } from "./runner.ts";

const clusters = remembered();
if (clusters.length === 0) console.log("Nothing is up.");
for (const { file, step } of clusters) {
  const job = new Job({ onLine: linePrinter(console.log) });
  const { exitCode } = await job.post(step);
  job.dispose();
  if (exitCode === 0) forget(file);
  else process.exitCode = 1;
}
