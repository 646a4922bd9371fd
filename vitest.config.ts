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
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
