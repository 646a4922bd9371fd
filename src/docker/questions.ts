/** Arguments of docker commands that only ask, and that are asked in more than one place. */

/** Filters of a listing, as options. */
export const filterOptions = (filters: readonly string[]) =>
  filters.map((filter) => `--filter=${filter}`);

/** What the engine is: its platform, then the names of its components. */
export const engineQuestion: readonly string[] = [
  "version",
  "--format={{.Server.Os}}/{{.Server.Arch}}{{range .Server.Components}}{{println}}{{.Name}}{{end}}",
];

/** Containers, running or not, each with the values of these labels and its command, with tabs between them. */
export function containersQuestion(
  filters: readonly string[],
  labels: readonly string[],
): string[] {
  const values = labels.map((label) => `{{.Label "${label}"}}`);
  const format = `--format=${["{{.Names}}", ...values, "{{.Command}}"].join("\t")}`;
  return ["ps", "--all", "--no-trunc", format, ...filterOptions(filters)];
}

/** A container, as a listing has it. */
export interface ListedContainer {
  readonly name: string;
  /** Of the labels that were asked for, in the same order. */
  readonly values: readonly string[];
  /** Its program and all arguments, quoted as one text. */
  readonly command: string;
}

/** The containers in an answer to `containersQuestion` with as many labels. */
export const containersIn = (answer: string, labels: readonly string[]): ListedContainer[] =>
  linesIn(answer).map((line) => {
    const [name = "", ...others] = line.split("\t");
    const command = others[labels.length] ?? "";
    return { name, values: others.slice(0, labels.length), command };
  });

/** The lines of a listing. */
export const linesIn = (answer: string) => answer.split("\n").filter((line) => line !== "");

export const inspectQuestion = (containers: readonly string[]): string[] => [
  ...["container", "inspect"],
  ...containers,
];

export const volumesQuestion = (filters: readonly string[]): string[] => [
  ...["volume", "ls", "--format={{.Name}}"],
  ...filterOptions(filters),
];

export const networksQuestion = (filters: readonly string[]): string[] => [
  ...["network", "ls", "--format={{.Name}}"],
  ...filterOptions(filters),
];

/** The values of these labels of every container, network, and volume that matches all filters, as JSON. */
export function labelsQuestions(
  filters: readonly string[],
  names: readonly string[],
): [containers: string[], networks: string[], volumes: string[]] {
  const format = `--format=[${names.map((name) => `{{json (.Label "${name}")}}`).join(",")}]`;
  const options = [format, ...filterOptions(filters)];
  return [
    ["ps", "--all", ...options],
    ["network", "ls", ...options],
    ["volume", "ls", ...options],
  ];
}
