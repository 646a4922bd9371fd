import { describe, expect, test } from "vitest";
import { enginesCutOff } from "../../../src/ready/diagnosis.ts";

const on = (engine: string, ...nodes: string[]) =>
  nodes.map((node) => ({
    node,
    place: { engine, isHere: engine === "default", address: "10.0.1.9" },
  }));

describe("engines that seem to be cut off", () => {
  const agents = [
    ...on("default", "server-1", "client-1"),
    ...on("worker-1", "server-2", "client-2"),
    ...on("worker-2", "server-3"),
  ];

  test("are those whose agents are all missed, but not the job's own", () => {
    const missed = ["server-1", "client-1", "server-2", "client-2"];
    expect(enginesCutOff(agents, missed)).toEqual([
      expect.stringMatching(/^All agents on the engine worker-1 \(server-2, client-2\) are among/),
    ]);
  });

  test("are none if others there are well, or if there is one engine only", () => {
    expect(enginesCutOff(agents, ["client-2"])).toEqual([]);
    expect(enginesCutOff([{ node: "server-1" }], ["server-1"])).toEqual([]);
  });
});
