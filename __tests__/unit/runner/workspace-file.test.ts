import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { workspaceReader } from "../../../src/runner/workspace-file.ts";

const folder = mkdtempSync(join(tmpdir(), "workspace-"));
const read = workspaceReader(folder);

beforeAll(() => {
  writeFileSync(join(folder, "file"), "text");
  writeFileSync(join(folder, "large"), "");
  truncateSync(join(folder, "large"), 4 * 1024 * 1024 + 1);
  execFileSync("mkfifo", [join(folder, "fifo")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a regular file is read, by its path from the workspace or from the root", () => {
  expect(read("file").toString()).toBe("text");
  expect(read(join(folder, "file")).toString()).toBe("text");
  truncateSync(join(folder, "large"), 4 * 1024 * 1024);
  expect(read("large")).toHaveLength(4 * 1024 * 1024);
  truncateSync(join(folder, "large"), 4 * 1024 * 1024 + 1);
});

test.each([
  ["gone", "no such file"],
  ["file/gone", "no such file"],
  [".", "a directory, not a regular file"],
  ["fifo", "a FIFO, not a regular file"],
  ["/dev/zero", "a device, not a regular file"],
  ["large", "larger than 4 MiB"],
  ["a\0b", "the name is not valid"],
])("%j is refused at once: %s", (path, reason) => {
  expect(() => read(path)).toThrow(new RegExp(`^${reason}$`));
});
