import { describe, expect, test } from "vitest";
import { warningsFor } from "../../../src/upgrade/warnings.ts";

const said = (current: readonly string[], versions: readonly string[]) => {
  const targets = versions.map((version) => ({ version, image: `consul:${version}` }));
  return warningsFor(current, targets).map(({ title, message }) => `${title}: ${message}`);
};

describe("an upgrade is warned of", () => {
  test("nothing if Consul supports it", () => {
    expect(said(["1.8.7"], ["1.8.8"])).toEqual([]);
    expect(said(["1.8.7"], ["1.8.7"])).toEqual([]);
    expect(said(["1.18.2"], ["1.20.6", "1.22.7", "2.1.0-dev"])).toEqual([]);
  });

  test("stops that are missing, counted from the oldest agent", () => {
    expect(said(["1.20.1", "1.18.2"], ["1.22.7"])).toEqual([
      'The upgrade skips too many versions: Consul does not support an upgrade from 1.18.2 to 1.22.7 in one go. To stop at supported versions on the way, set `via: "1.20"`. See https://developer.hashicorp.com/consul/docs/upgrade/instructions.',
    ]);
  });

  test("stops that are missing between those of `via`, which stay", () => {
    expect(said(["1.15.11"], ["1.16.6", "1.20.6", "2.1.0"])).toEqual([
      expect.stringContaining(
        'an upgrade from 1.16.6 to 1.20.6 or from 1.20.6 to 2.1.0 in one go. To stop at supported versions on the way, set `via: "1.16.6, 1.18, 1.20.6, 1.22"`.',
      ),
    ]);
  });

  test("stops by the tags of the images", () => {
    const targets = [
      { version: "1.18.3+ent", image: "hashicorp/consul-enterprise:1.18-ent" },
      { version: "2.0.1+ent", image: "hashicorp/consul-enterprise:2.0-ent" },
    ];
    expect(warningsFor(["1.15.3"], targets)).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('set `via: "1.18-ent, 1.21.7-ent"`'),
      }),
    ]);
  });

  test("known faults of the wanted version and of each stop", () => {
    expect(said(["1.18.2"], ["1.19.1", "1.21.5"])).toEqual([
      expect.stringMatching(/^Known fault of Consul 1\.19\.1: .* Use 1\.19\.2, .* See https:.*\.$/),
      expect.stringContaining("Known fault of Consul 1.21.5: Consul 1.21.5 has a known fault."),
    ]);
  });

  test("a forced downgrade, and whether it loses Raft's log", () => {
    expect(said(["1.22.7"], ["1.18.2"])).toEqual([
      expect.stringMatching(
        /^Forced downgrade: .* from Consul 1\.22\.7 to 1\.18\.2, .* Data is lost:/,
      ),
    ]);
    expect(said(["1.8.8"], ["1.8.7"])).toEqual([
      "Forced downgrade: The cluster is downgraded from Consul 1.8.8 to 1.8.7, which Consul does not support.",
    ]);
  });
});
