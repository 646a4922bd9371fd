/** A cluster over three engines beside the same on one: what it costs, and which part of it is the network. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { root } from "../runner.ts";
import { cells, type Summary, seconds, summarize } from "./statistics.ts";

const sample = z.object({ up: z.number(), down: z.number() });
const samplesSchema = z.object({
  /** On one engine, on a network of the cluster's own, as without `engines`. */
  bridge: z.array(sample).min(1),
  /** On one engine, on an overlay network that is there. */
  overlay: z.array(sample).min(1),
  /** Over three engines, on an overlay network of the cluster's own. */
  three: z.array(sample).min(1),
});

/** What 3 servers and 6 clients took, in each of the ways. Milliseconds. */
export type MachineSamples = z.output<typeof samplesSchema>;

/**
 * @param image - on this machine's engine
 * @throws Error if this machine can't make three: the machines' own output says why
 */
export async function measureSeveralEngines(image: string, runs: number): Promise<MachineSamples> {
  const measure = ["node", join(root, "script/bench/on-machines.ts"), image, String(runs)];
  const enter = spawn(join(root, "script/machines/enter"), ["3", image, "--", ...measure], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [printed, [code]] = await Promise.all([text(enter.stdout), once(enter, "close")]);
  if (code !== 0) throw new Error("three machines could not be measured");
  return samplesSchema.parse(JSON.parse(printed));
}

const titles = {
  bridge: "one engine",
  overlay: "one engine, on an overlay network",
  three: "three engines",
} as const;

/** The table, and what its differences are. Markdown. */
export function severalEnginesTable(samples: MachineSamples): string[] {
  const summaries = (part: "up" | "down") => ({
    bridge: summarize(samples.bridge.map((each) => each[part])),
    overlay: summarize(samples.overlay.map((each) => each[part])),
    three: summarize(samples.three.map((each) => each[part])),
  });
  const [up, down] = [summaries("up"), summaries("down")];
  const row = (name: keyof MachineSamples) =>
    `| ${titles[name]} | ${up[name].count} | ${cells(up[name])} | ${cells(down[name])} |`;
  const times = (from: Summary, to: Summary) =>
    `${(to.median / from.median).toFixed(2)} × (${seconds(from.median)} s and ${seconds(to.median)} s)`;
  return [
    "| 3 servers, 6 clients | runs | ready, median s | range | removed, median s | range |",
    "| --- | --: | --: | --- | --: | --- |",
    row("bridge"),
    row("overlay"),
    row("three"),
    "",
    `A start over three engines takes ${times(up.bridge, up.three)} as long as on one. Attaching the same agents`,
    `to an overlay network on one engine costs ${times(up.bridge, up.overlay)} by itself, without another machine.`,
  ];
}
