import { chownSync, lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { giveToOwnerOfFolder } from "../../../src/runner/ownership.ts";

const ownerOf = (path: string) => lstatSync(path).uid;

function folderOf(uid: number): string {
  const folder = mkdtempSync(join(tmpdir(), "owned-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  chownSync(folder, uid, uid);
  return folder;
}

describe.runIf(process.getuid?.() === 0)("as root, a new file", () => {
  test("gets the owner of its folder", () => {
    const file = join(folderOf(1001), "file");
    writeFileSync(file, "");
    giveToOwnerOfFolder(file);
    expect(ownerOf(file)).toBe(1001);
  });

  test("that is a link gets it itself, and what it leads to does not", () => {
    const [file, link] = [join(folderOf(0), "file"), join(folderOf(1001), "link")];
    writeFileSync(file, "");
    symlinkSync(file, link);
    giveToOwnerOfFolder(link);
    expect([ownerOf(link), ownerOf(file)]).toEqual([1001, 0]);
  });

  test("that is gone is no failure", () => {
    giveToOwnerOfFolder(join(folderOf(1001), "gone"));
  });

  test("stays as it is if another user runs the step", () => {
    vi.spyOn(process, "getuid").mockReturnValue(1000);
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    const file = join(folderOf(1001), "file");
    writeFileSync(file, "");
    giveToOwnerOfFolder(file);
    expect(ownerOf(file)).toBe(0);
  });
});
