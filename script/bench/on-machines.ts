/**
 * Measures the same cluster on one engine and over three, on the machines of script/machines/enter. Run by
 * several-engines.ts, whose process gets the samples as JSON.
 * usage: on-machines.ts <image> <runs>
 */
import { docker } from "./docker.ts";
import type { MachineSamples } from "./several-engines.ts";
import { seconds } from "./statistics.ts";
import { action, type Sample } from "./ways.ts";

const [image = "", runs = "1"] = process.argv.slice(2);
const overlay = "bench-overlay";
const ways = {
  bridge: {},
  // Without `engines`, agents join it as they would any network.
  overlay: { network: overlay },
  three: { engines: "default worker-1 worker-2" },
} as const;
const names = ["bridge", "overlay", "three"] as const;

await docker("network", "create", "--driver=overlay", "--attachable", overlay);
const samples: Record<keyof MachineSamples, Sample[]> = { bridge: [], overlay: [], three: [] };
for (let round = 0; round < Number(runs); round++) {
  const first = round % names.length;
  for (const name of [...names.slice(first), ...names.slice(0, first)]) {
    const sample = await action(image, 3, 6, ways[name]).catch((error: unknown) => {
      // A cluster that does not start must not cost the measurements of the others.
      console.error(`  machines, ${name}: FAILED: ${String(error).slice(0, 2000)}`);
    });
    if (!sample) continue;
    samples[name].push(sample);
    const [up, down] = [sample.up, sample.down].map(seconds);
    console.error(`  machines, ${name}: ready ${up} s, removed ${down} s`);
  }
}
console.log(JSON.stringify(samples));
