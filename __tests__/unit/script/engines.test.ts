import { expect, test } from "vitest";
import { readReport, resultsPage, withRun } from "../../../script/engines/results.ts";

const assertion = (fullName: string, status: string) => ({ fullName, status, meta: {} });
const run = { versions: "Podman Engine 5.4.2", consul: "consul:1.22", date: "2026-11-24" };

test("a report: passed and failed tests by file, and hooks that fail", () => {
  const report = {
    testResults: [
      {
        name: "/src/__tests__/cluster/fault/steps.test.ts",
        status: "failed",
        message: "",
        assertionResults: [
          assertion("a", "passed"),
          assertion("b", "failed"),
          assertion("c", "skipped"),
        ],
      },
      {
        name: "/src/__tests__/cluster/post.test.ts",
        status: "failed",
        message: `Error: a volume is left: ${"0f".repeat(32)}\n  at x`,
        assertionResults: [assertion("d", "passed")],
      },
    ],
  };
  expect(readReport(report)).toEqual({
    "fault/steps": { passed: 1, failed: ["b"] },
    post: { passed: 1, failed: ["Error: a volume is left: …"] },
  });
});

test("a run replaces older results of the same files, and keeps the others", () => {
  const old = withRun({}, "podman", {
    ...run,
    files: { post: { passed: 0, failed: ["x"] }, shapes: { passed: 16, failed: [] } },
  });
  const files = { post: { passed: 1, failed: [] } };
  const results = withRun(old, "podman", { ...run, date: "2026-11-25", files });
  expect(results.podman?.date).toBe("2026-11-25");
  expect(results.podman?.files).toEqual({ ...files, shapes: { passed: 16, failed: [] } });
});

test("the page: versions and dates, a table file × engine, and what failed", () => {
  const page = resultsPage({
    docker: { ...run, files: { post: { passed: 2, failed: [] } } },
    podman: {
      ...run,
      files: { post: { passed: 1, failed: ["b"] }, shapes: { passed: 16, failed: [] } },
    },
  });
  expect(page).toContain("| podman | Podman Engine 5.4.2 | consul:1.22 | 2026-11-24 |");
  expect(page).toContain("| `post` | all 2 | 1 of 2 |");
  expect(page).toContain("| `shapes` | not run | all 16 |");
  expect(page).toContain("Failed with podman:\n\n- `post`: b");
  expect(page).not.toContain("Failed with docker");
});
