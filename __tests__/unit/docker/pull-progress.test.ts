import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type OnPullLine, PullProgress, withProgress } from "../../../src/docker/pull-progress.ts";

const reference = "hashicorp/consul:1.22";

/** What the CLI prints: of Docker 28 with its own image store, 29 with containerd's, and podman. */
const outputs: Readonly<Record<string, readonly string[]>> = {
  "Docker's image store": [
    "1.22: Pulling from hashicorp/consul",
    "2d35ebdb57d9: Pulling fs layer",
    "0a9f7e5d3c1b: Pulling fs layer",
    "9b8c7d6e5f4a: Waiting",
    "7f6e5d4c3b2a: Already exists",
    "0a9f7e5d3c1b: Verifying Checksum",
    "0a9f7e5d3c1b: Download complete",
    "2d35ebdb57d9: Download complete",
    "2d35ebdb57d9: Pull complete",
  ],
  "containerd's image store": [
    "1.22: Pulling from hashicorp/consul",
    "2d35ebdb57d9: Waiting",
    "0a9f7e5d3c1b: Pulling fs layer",
    "9b8c7d6e5f4a: Pulling fs layer",
    "7f6e5d4c3b2a: Already exists",
    "0a9f7e5d3c1b: Download complete",
    "2d35ebdb57d9: Download complete",
    "2d35ebdb57d9: Pull complete",
  ],
};

describe("how far a pull is", () => {
  test.each(Object.entries(outputs))("with %s", (_, lines) => {
    const progress = new PullProgress();
    expect(progress.text()).toBe("waiting for the registry");
    for (const line of lines) expect(progress.take(line, reference)).toBe(true);
    expect(progress.text()).toBe("3 of 4 layers downloaded, 2 unpacked");
  });

  test("with podman, which doesn't say what is unpacked", () => {
    const progress = new PullProgress();
    for (const line of ["2d35ebdb57d9: Pulling fs layer", "2d35ebdb57d9: Download complete"])
      progress.take(line, reference);
    expect(progress.text()).toBe("1 of 1 layer downloaded");
  });

  test("a layer that the engine tries again, and words that are not known", () => {
    const progress = new PullProgress();
    progress.take("2d35ebdb57d9: Pulling fs layer", reference);
    progress.take("2d35ebdb57d9: Retrying in 5 seconds", reference);
    progress.take("0a9f7e5d3c1b: Something new", reference);
    expect(progress.text()).toBe("0 of 2 layers downloaded, 1 tried again");
    progress.take("2d35ebdb57d9: Download complete", reference);
    progress.take("2d35ebdb57d9: Something new", reference);
    expect(progress.text()).toBe("1 of 2 layers downloaded");
  });

  test.each([
    ["Digest: sha256:2d35ebdb57d9", false],
    ["Status: Downloaded newer image for hashicorp/consul:1.22", false],
    ["docker.io/hashicorp/consul:1.22", true],
    ["2d35ebdb57d9: Pulling from hashicorp/consul", true],
    ["a wrapper's own line", false],
  ])("%s", (line, isTaken) => {
    const progress = new PullProgress();
    expect(progress.take(line, reference)).toBe(isTaken);
    expect(progress.text()).toBe("waiting for the registry");
  });
});

describe("the log of a pull", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  /** Pulls with these lines, each at its time in milliseconds. */
  async function logOf(
    timed: readonly (readonly [at: number, line: string, stream?: "stderr"])[],
    end: number,
    failure?: Error,
  ): Promise<string[]> {
    const lines: string[] = [];
    const pull = async (onLine: OnPullLine) => {
      for (const [at, line, stream = "stdout"] of timed) setTimeout(() => onLine(line, stream), at);
      await new Promise((resolve) => setTimeout(resolve, end));
      if (failure) throw failure;
    };
    const pulled = withProgress(reference, (line) => lines.push(line), pull).catch(String);
    await vi.advanceTimersByTimeAsync(end);
    await pulled;
    await vi.advanceTimersByTimeAsync(60_000);
    return lines;
  }

  test("a fast one has the image's digest only", async () => {
    const timed = (outputs["Docker's image store"] ?? []).map((line) => [10, line] as const);
    expect(await logOf([...timed, [20, "Digest: sha256:2d35"]], 1900)).toEqual([
      "Digest: sha256:2d35",
    ]);
  });

  test("a slow one has a line every two seconds, and none after its end", async () => {
    expect(
      await logOf(
        [
          [2100, "2d35ebdb57d9: Pulling fs layer"],
          [2100, "0a9f7e5d3c1b: Pulling fs layer"],
          [6500, "2d35ebdb57d9: Download complete"],
          [6600, "2d35ebdb57d9: Pull complete"],
        ],
        9000,
      ),
    ).toEqual([
      `${reference}: waiting for the registry`,
      `${reference}: 0 of 2 layers downloaded`,
      `${reference}: still 0 of 2 layers downloaded`,
      `${reference}: 1 of 2 layers downloaded, 1 unpacked`,
    ]);
  });

  test("errors are passed on at once, and a pull that fails has no more lines", async () => {
    const error = "2d35ebdb57d9: unexpected EOF";
    expect(await logOf([[1000, error, "stderr"]], 1500, new Error("EOF"))).toEqual([error]);
  });
});
