/**
 * The figures that the charts in docs show, as last measured. They are kept in figures.json, so that
 * the charts can be drawn again without measuring again.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { root } from "../runner.ts";
import { barChart } from "./bars.ts";
import { eventChart } from "./events.ts";
import { lineChart } from "./lines.ts";

const seconds = z.number().nonnegative();
const pointSchema = z.object({
  agents: z.int().positive(),
  median: seconds,
  min: seconds,
  max: seconds,
});

const schema = z.strictObject({
  /** Seconds until ready for each variant, by number of agents. */
  benchmark: z.array(z.object({ name: z.string(), points: z.array(pointSchema) })),
  /** Phases of one start of 3 servers and 3 clients. */
  timeline: z.array(z.object({ name: z.string(), from: seconds, to: seconds })),
  /** What happened after the leader of 3 servers was killed. */
  failover: z.array(z.object({ text: z.string(), at: seconds })),
});

export type Figures = z.infer<typeof schema>;

const file = join(import.meta.dirname, "figures.json");

/** The committed figures. */
export function readFigures(): Figures {
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/**
 * Replaces the given figures, and redraws the charts.
 * @returns the files it wrote, relative to the root
 */
export function writeFigures(figures: Partial<Figures>): string[] {
  writeFileSync(file, `${JSON.stringify({ ...readFigures(), ...figures }, rounded, 2)}\n`);
  return drawCharts();
}

/** To hundredths of a second, as the tables in docs, which have the same figures, are rounded. */
const rounded = (_key: string, value: unknown) =>
  typeof value === "number" ? Number(value.toFixed(2)) : value;

/** Writes every chart. @returns the files, relative to the root */
export function drawCharts(): string[] {
  const charts = chartsOf(readFigures());
  for (const [path, content] of Object.entries(charts)) writeFileSync(join(root, path), content);
  return Object.keys(charts);
}

/** Every chart, by the path of its file. */
export function chartsOf({ benchmark, timeline, failover }: Figures): Record<string, string> {
  return {
    "docs/benchmark.svg": lineChart("Time until a cluster of 3 servers is ready", benchmark),
    "docs/timeline.svg": barChart("Phases of one start of 3 servers and 3 clients", timeline),
    "docs/failover.svg": eventChart("One failover: the leader of 3 servers is killed", failover),
  };
}
