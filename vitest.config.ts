import { defineConfig } from "vitest/config";
import { Tally } from "./script/tally.ts";

/** Tests with real clusters. */
const onEngine = {
  setupFiles: ["__tests__/support/setup.ts"],
  // Tests wait for Consul more than they work; more than two files at once would slow each other down.
  maxWorkers: 2,
  // Not beside the unit tests, which use every core.
  sequence: { groupOrder: 1 },
  // For tests that ask for it: those that mostly wait for Consul's timers.
  maxConcurrency: 6,
  // Longer than any step may take: a step that hangs says why itself.
  testTimeout: 150_000,
  hookTimeout: 150_000,
};

export default defineConfig({
  test: {
    reporters: ["default", new Tally()],
    projects: [
      // A loaded machine may take its time: no unit test is about seconds.
      { test: { name: "unit", include: ["__tests__/unit/**/*.test.ts"], testTimeout: 60_000 } },
      // Through the committed dist, as a job does: these tests import nothing from src.
      { test: { name: "cluster", include: ["__tests__/cluster/**/*.test.ts"], ...onEngine } },
      // Modules of src with a real engine.
      { test: { name: "engine", include: ["__tests__/engine/**/*.test.ts"], ...onEngine } },
    ],
  },
});
