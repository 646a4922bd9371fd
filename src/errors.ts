/** Lines from elsewhere that a message ends with, such as those of an agent's log. */
export interface Quote {
  /** Says what the lines are, and ends with a colon. */
  readonly heading: string;
  readonly lines: readonly string[];
}

/** A text with its quotes below it, indented. */
export function withQuotes(text: string, quotes: readonly Quote[]): string {
  const quoted = quotes.flatMap(({ heading, lines }) => [
    heading,
    ...lines.map((line) => `  ${line}`),
  ]);
  return [text, ...quoted].join("\n");
}

/**
 * A failure that is explained to the person who reads the job: one title, and one message that says
 * what went wrong, what to do, and what was last seen. Anything else that is thrown is a bug in this
 * action and is shown with its stack.
 */
export class ActionError extends Error {
  override readonly name: string = "ActionError";
  readonly title: string;
  /** The message without its quotes. */
  readonly explanation: string;
  /** What the message quotes. An annotation has as much of it as there is space for. */
  readonly quotes: readonly Quote[];

  /**
   * @param title - a few words for the title of the annotation, for example `Consul exited`
   * @param explanation - the cause and the advice, on one or more lines
   */
  constructor(
    title: string,
    explanation: string,
    options: ErrorOptions & { readonly quotes?: readonly Quote[] } = {},
  ) {
    const { quotes = [], ...rest } = options;
    super(withQuotes(explanation, quotes), rest);
    this.title = title;
    this.explanation = explanation;
    this.quotes = quotes;
  }
}

/** A place in a file that the user wrote. Line and column count from 1. */
export interface Place {
  /** The name that messages use: a path, or the input that contains the text. */
  readonly file: string;
  /** The file's path in the workspace. Undefined if the text is in the workflow itself. */
  readonly path?: string;
  readonly line: number;
  readonly column: number;
}

/** One mistake in what the user wrote. */
export interface Problem {
  /** The input's name, as in action.yml. */
  readonly input: string;
  /** Where the mistake is. Undefined if the input is not a file. */
  readonly place?: Place;
  readonly message: string;
}

/** Every mistake in the inputs, all at once. */
export class InputError extends ActionError {
  override readonly name = "InputError";
  /** Those in a file come last, in the order of its lines. */
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const ordered = inOrderOfLines(problems);
    super("Invalid input", ordered.map((problem) => problem.message).join("\n"));
    this.problems = ordered;
  }
}

/** Problems without a place first, as they come; then the others in the order of their lines. */
export function inOrderOfLines(problems: readonly Problem[]): Problem[] {
  const order = ({ place }: Problem) => [place?.line ?? 0, place?.column ?? 0] as const;
  return problems.toSorted((a, b) => {
    const [[lineA, columnA], [lineB, columnB]] = [order(a), order(b)];
    return lineA - lineB || columnA - columnB;
  });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A number with its noun, for messages: `1 container`, `2 containers`. */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
