import type { Docker } from "../docker/docker.ts";
import type { Engines } from "../docker/engines.ts";
import type { Timeline } from "../runner/timeline.ts";

/** What every phase of a start needs from the step it is part of. */
export interface StartContext {
  readonly clusterId: string;
  readonly docker: Docker;
  /** The same, if they are several. */
  readonly engines?: Engines;
  /** The runner's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  /** Shows a warning as an annotation. */
  readonly warn: (message: string) => void;
  /** Gets each secret as soon as it is known, so that no log shows it. */
  readonly onSecret: (secret: string) => void;
  readonly timeline: Timeline;
  /** Aborts when the step is canceled. */
  readonly signal: AbortSignal;
}
