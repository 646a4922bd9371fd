import * as z from "zod";
import { parseAnswer } from "./answers.ts";
import type { Cli } from "./cli.ts";

/** A container, as a listing has it. */
export interface ListedContainer {
  readonly name: string;
  /** Of the labels that were asked for, in the same order. */
  readonly values: readonly string[];
  /** Its program and all arguments, quoted as one text. */
  readonly command: string;
}

/** What the engine has, as the docker CLI lists it. */
export class Listings {
  readonly #cli: Cli;

  constructor(cli: Cli) {
    this.#cli = cli;
  }

  /**
   * @param filters - of `docker ps`; a container must match all of them
   * @returns names of containers, running or not
   */
  containers(...filters: string[]): Promise<string[]> {
    return this.#cli.list(["ps", "--all", "--format={{.Names}}"], filters);
  }

  /**
   * @param filters - a container must match all of them
   * @param labels - names of labels
   * @returns containers, running or not, with the values of these labels; empty if it has none
   */
  async labeledContainers(
    filters: readonly string[],
    labels: readonly string[],
  ): Promise<ListedContainer[]> {
    const values = labels.map((label) => `{{.Label "${label}"}}`);
    const format = `--format=${["{{.Names}}", ...values, "{{.Command}}"].join("\t")}`;
    const lines = await this.#cli.list(["ps", "--all", "--no-trunc", format], filters);
    return lines.map((line) => {
      const [name = "", ...others] = line.split("\t");
      const command = others[labels.length] ?? "";
      return { name, values: others.slice(0, labels.length), command };
    });
  }

  /** @returns running containers with their ports, as `docker ps` words them */
  async publications(): Promise<{ name: string; ports: string }[]> {
    const lines = await this.#cli.list(["ps", "--format={{.Names}}\t{{.Ports}}"], []);
    return lines.map((line) => {
      const [name = "", ports = ""] = line.split("\t");
      return { name, ports };
    });
  }

  networks(...filters: string[]): Promise<string[]> {
    return this.#cli.list(["network", "ls", "--format={{.Name}}"], filters);
  }

  volumes(...filters: string[]): Promise<string[]> {
    return this.#cli.list(["volume", "ls", "--format={{.Name}}"], filters);
  }

  /**
   * The labels of every container, network, and volume that matches all filters.
   *
   * @param names - of the labels
   * @returns for each object the values of these labels, in the same order; empty if it has none
   */
  async labels(filters: readonly string[], names: readonly string[]): Promise<string[][]> {
    const format = `--format=[${names.map((name) => `{{json (.Label "${name}")}}`).join(",")}]`;
    const lists = await Promise.all([
      this.#cli.list(["ps", "--all", format], filters),
      this.#cli.list(["network", "ls", format], filters),
      this.#cli.list(["volume", "ls", format], filters),
    ]);
    return lists.flat().map((line) => parseAnswer(z.array(z.string()), "ps", line));
  }
}
