import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";

/**
 * Ends a run with one line that scripts can read: `12 passed, 0 failed`. Before it, what the Consul
 * under test lacks, and the tests that need it.
 */
export class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string) => tests.filter((test) => test.result().state === state);
    // A file that can't be loaded has no tests to fail, and an error may belong to no test.
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const left = inState("skipped");
    const needy = left.filter((test) => needOf(test) !== "");
    for (const test of needy) console.log(`needs ${needOf(test)}: ${nameOf(test)}`);
    const parts = [
      `${inState("passed").length} passed`,
      `${inState("failed").length + broken} failed`,
      ...(needy.length > 0 ? [`${needy.length} for another Consul`] : []),
      ...Array.from(
        Map.groupBy(
          left.filter((test) => needOf(test) === ""),
          lackOf,
        ),
        ([lack, tests]) => `${tests.length} skipped${lack === "" ? "" : ` for lack of ${lack}`}`,
      ),
    ];
    console.log(parts.join(", "));
  }
}

/** What a test needs of Consul (`__tests__/support/needs.ts`), and nothing if it needs nothing. */
function needOf(test: TestCase): string {
  const meta: object = test.meta();
  return "needs" in meta && typeof meta.needs === "string" ? meta.needs : "";
}

/** What a test needs that is not here (`__tests__/support/machines.ts`). */
function lackOf(test: TestCase): string {
  const meta: object = test.meta();
  return "lacks" in meta && typeof meta.lacks === "string" ? meta.lacks : "";
}

const nameOf = ({ module, fullName }: TestCase) => `${module.relativeModuleId} > ${fullName}`;
