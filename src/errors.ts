/**
 * A failure that is explained to the person who reads the job: one title, one message that says
 * what was wrong, what was last seen and what to do. Everything else that is thrown is a defect
 * of this action and is shown with its stack.
 */
export class ActionError extends Error {
  override readonly name: string = "ActionError";
  readonly title: string;

  /**
   * @param title - a few words for the head of the annotation, for example `Consul exited`
   * @param message - the whole explanation; may have several lines
   */
  constructor(title: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.title = title;
  }
}

/** Where in a file of the user's something stands. Line and column count from 1. */
export interface Place {
  /** How messages name the file, or what holds the text in its stead. */
  readonly file: string;
  /** The file's path in the workspace, if it is one. */
  readonly path?: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with what the user wrote. */
export interface Problem {
  /** The input's name as in action.yml. */
  readonly input: string;
  /** Where it stands, if the input is a file. */
  readonly place?: Place;
  readonly message: string;
}

/** Everything that is wrong with the inputs, all at once. */
export class InputError extends ActionError {
  override readonly name = "InputError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super("Invalid input", problems.map((problem) => problem.message).join("\n"));
    this.problems = problems;
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
