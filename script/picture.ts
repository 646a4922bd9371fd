/**
 * npm run picture: starts a cluster, and draws its job summary as GitHub shows it, light and dark, into
 * docs/images. Needs an engine, and Chrome or Chromium.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import * as z from "zod";
import { browserPath } from "./browser.ts";
import { commandLine } from "./command-line.ts";
import { consulImage } from "./consul-image.ts";
import { prepareMachine } from "./machine.ts";
import { Job, root } from "./runner.ts";

/** What GitHub draws diagrams with. Only who draws the picture needs it. */
const mermaid = "mermaid@11.12.0";
const mermaidFile = join(root, ".tools/mermaid/node_modules/mermaid/dist/mermaid.min.js");

const themes = ["light", "dark"] as const;
type Theme = (typeof themes)[number];

/** Colors of GitHub's pages. */
const colors = {
  light: { page: "#ffffff", text: "#1f2328", mermaid: "default" },
  dark: { page: "#0d1117", text: "#f0f6fc", mermaid: "dark" },
} as const;

/** The heading of a summary, its line with the image, and its first diagram. */
interface Summary {
  readonly heading: string;
  readonly images: string;
  readonly diagram: string;
}

/** @throws if one of them is missing */
export function summaryOf(text: string): Summary {
  const heading = /^#+ (.*)$/m.exec(text)?.[1];
  const images = /^Images?: .*$/m.exec(text)?.[0];
  const diagram = /^```mermaid\n([\s\S]*?)^```$/m.exec(text)?.[1];
  if (heading === undefined || images === undefined || diagram === undefined)
    throw new Error("the summary has no heading, no image, or no diagram");
  const plain = (line: string) => line.replaceAll("`", "");
  return { heading: plain(heading), images: plain(images), diagram };
}

/** A page with the summary in it, as in the summary of a run. */
function pageOf({ heading, images, diagram }: Summary, theme: Theme): string {
  const { page, text, mermaid: mermaidTheme } = colors[theme];
  const escaped = (raw: string) => raw.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<!doctype html><meta charset="utf-8">
<style>
  body { margin: 0; background: ${page}; }
  main { width: 900px; padding: 16px; color: ${text}; font: 14px/1.5 system-ui, sans-serif; }
  h3 { margin: 0 0 12px; font-size: 18px; }
  p { margin: 0 0 12px; }
  pre { margin: 0; }
</style>
<main><h3>${escaped(heading)}</h3><p>${escaped(images)}</p><pre class="mermaid">${escaped(diagram)}</pre></main>
<script>${readFileSync(mermaidFile, "utf8")}</script>
<script>mermaid.initialize({ startOnLoad: false, theme: "${mermaidTheme}" });</script>`;
}

async function draw(summary: Summary): Promise<void> {
  const folder = join(root, "docs/images");
  mkdirSync(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox"] });
  try {
    for (const theme of themes) {
      const page = await browser.newPage({ deviceScaleFactor: 2 });
      await page.setContent(pageOf(summary, theme));
      await page.evaluate("mermaid.run()");
      await page.locator("main").screenshot({ path: join(folder, `summary-${theme}.png`) });
    }
  } finally {
    await browser.close();
  }
  console.log("docs/images/summary-light.png and summary-dark.png are drawn");
}

/** The summary of a cluster, which is removed again. */
async function captured(inputs: Readonly<Record<string, string>>): Promise<string> {
  const job = new Job({ onLine: console.log });
  try {
    const { exitCode, summary } = await job.main(inputs);
    if (exitCode !== 0) throw new Error("the cluster did not start");
    return summary;
  } finally {
    await job.post();
    job.dispose();
  }
}

if (import.meta.main) {
  const { image, servers, clients } = commandLine({
    command: "npm run picture",
    about: "starts a cluster, and draws its job summary into docs/images",
    values: z.object({
      image: z.string().optional().describe("image of Consul; by default the one of the tests"),
      servers: z.string().default("3").describe("number of servers"),
      clients: z.string().default("2").describe("number of clients"),
    }),
  });
  prepareMachine();
  if (!existsSync(mermaidFile))
    execFileSync(
      "npm",
      ["install", "--no-save", "--prefix", join(root, ".tools/mermaid"), mermaid],
      {
        stdio: "inherit",
      },
    );
  await draw(summaryOf(await captured({ image: image ?? consulImage(), servers, clients })));
}
