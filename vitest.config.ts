import { defineConfig } from "vitest/config";
import { Tally } from "./script/tally.ts";

export default defineConfig({
  test: {
    reporters: ["default", new Tally()],
    projects: [
      { test: { name: "unit", include: ["__tests__/unit/**/*.test.ts"] } },
      {
        test: {
          name: "cluster",
          include: ["__tests__/cluster/**/*.test.ts"],
          // Clusters that start side by side slow each other down past what tests can time.
          fileParallelism: false,
          // Of tests that ask for it: those that mostly wait for Consul's clocks.
          maxConcurrency: 6,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
