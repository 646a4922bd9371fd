import * as z from "zod";
import { parseAnswer } from "./answers.ts";
import type { Cli } from "./cli.ts";
import {
  containersIn,
  containersQuestion,
  type ListedContainer,
  labelsQuestions,
  networksQuestion,
  volumesQuestion,
} from "./questions.ts";

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
    return containersIn(await this.#cli.run(containersQuestion(filters, labels)), labels);
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
    return this.#cli.lines(networksQuestion(filters));
  }

  volumes(...filters: string[]): Promise<string[]> {
    return this.#cli.lines(volumesQuestion(filters));
  }

  /**
   * The labels of every container, network, and volume that matches all filters.
   *
   * @param names - of the labels
   * @returns for each object the values of these labels, in the same order; empty if it has none
   */
  async labels(filters: readonly string[], names: readonly string[]): Promise<string[][]> {
    const lists = await Promise.all(
      labelsQuestions(filters, names).map((question) => this.#cli.lines(question)),
    );
    return lists.flat().map((line) => parseAnswer(z.array(z.string()), "ps", line));
  }
}
