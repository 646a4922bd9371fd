import * as z from "zod";
import { parseAnswer } from "./answers.ts";
import type { Cli } from "./cli.ts";

/** The labels of every container, network, and volume that matches all filters. */
export async function labelsOf(
  cli: Cli,
  filters: readonly string[],
  names: readonly string[],
): Promise<string[][]> {
  const format = `--format=[${names.map((name) => `{{json (.Label "${name}")}}`).join(",")}]`;
  const lists = await Promise.all([
    cli.list(["ps", "--all", format], filters),
    cli.list(["network", "ls", format], filters),
    cli.list(["volume", "ls", format], filters),
  ]);
  return lists.flat().map((line) => parseAnswer(z.array(z.string()), "ps", line));
}

/** @returns running containers with their ports, as `docker ps` words them */
export async function publicationsOf(cli: Cli): Promise<{ name: string; ports: string }[]> {
  const lines = await cli.list(["ps", "--format={{.Names}}\t{{.Ports}}"], []);
  return lines.map((line) => {
    const [name = "", ports = ""] = line.split("\t");
    return { name, ports };
  });
}
