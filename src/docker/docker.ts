import type { Engine } from "./engine.ts";

/** What runs a cluster's containers: one engine, or several that are one to their callers. */
export interface Docker extends Omit<Engine, "within"> {
  /** The same; commands also end with this signal. */
  within(signal: AbortSignal): Docker;
}
