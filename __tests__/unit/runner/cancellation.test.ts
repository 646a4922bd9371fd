import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { cancellation, cleaningUp } from "../../../src/runner/cancellation.ts";

const signals = ["SIGINT", "SIGTERM"] as const;
const before = signals.map((signal) => [signal, process.listeners(signal)] as const);

afterEach(() => {
  for (const [signal, listeners] of before)
    for (const each of process.listeners(signal))
      if (!listeners.includes(each)) process.off(signal, each);
});

test.each(signals)("a step that is canceled by %s says which step it is", (signal) => {
  const canceled = cancellation("upgrade");
  expect(canceled.aborted).toBe(false);
  process.emit(signal);
  expect(canceled.reason).toMatchObject({
    title: "Canceled",
    message: `The \`upgrade\` step was canceled (${signal}).`,
  });
});

test("cleaning up has no limit, and some time after a cancellation", async () => {
  const controller = new AbortController();
  const cleaning = cleaningUp(controller.signal, 5);
  await sleep(20);
  expect(cleaning.aborted).toBe(false);
  controller.abort("canceled");
  expect(cleaning.aborted).toBe(false);
  while (!cleaning.aborted) await sleep(5);
  expect(cleaning.reason).toBe("canceled");
});
