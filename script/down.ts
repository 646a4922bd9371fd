/** npm run down: runs the post step of every cluster that `npm run up` started. */
import { forget, remembered } from "./clusters.ts";
import { takesNothing } from "./command-line.ts";
import { linePrinter } from "./print.ts";
import { Job } from "./runner.ts";

takesNothing("npm run down", "removes every cluster that npm run up started");
const clusters = remembered();
if (clusters.length === 0) console.log("Nothing is up.");
for (const { file, step, temp } of clusters) {
  const job = new Job({ onLine: linePrinter(console.log), temp });
  const { exitCode } = await job.post(step);
  if (exitCode === 0) forget(file, temp);
  else process.exitCode = 1;
}
