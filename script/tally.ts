import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Ends a run with one line that scripts can read: `12 passed, 0 failed`. */
export class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    // A file that can't be loaded has no tests to fail, and an error may belong to no test.
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandled.length;
    const skipped = count("skipped");
    const line = `${count("passed")} passed, ${count("failed") + broken} failed`;
    console.log(skipped > 0 ? `${line}, ${skipped} skipped` : line);
  }
}
