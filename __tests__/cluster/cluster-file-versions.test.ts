import { expect, test } from "vitest";
import { testInputs, up } from "../support/cluster.ts";
import { docker, engineHoldings, testImage } from "../support/engine.ts";
import { imageWithScript } from "../support/images.ts";
import { RecordedJob } from "../support/record.ts";

/** What no version of the community edition supports, after what every version does. */
const text = `datacenters: [{ name: dc1, servers: 1 }]
kv: { ok: y }
config_entries:
  - { Kind: sameness-group, Name: group }
  - { Kind: rate-limit, Name: limit }
`;

/** An image like the one under test, with this label for its version. */
const imageLabeled = (version: string, script: string) =>
  imageWithScript("labeled", testImage(), script, [
    `LABEL org.opencontainers.image.version="${version}"`,
  ]);

const passedOn = '#!/consul/sh\nexec /bin/consul "$@"\n';

test.each([
  ["its image says", async () => testImage()],
  ["Consul says, whose image says none", () => imageLabeled("", passedOn)],
  [
    "Consul says, whose image has the version of something else",
    () => imageLabeled("0.1.0", passedOn),
  ],
])(
  "what the version does not support is refused before anything starts, by the version that %s",
  async (_, find) => {
    const image = await find();
    const said = await docker("run", "--rm", "--network=none", testImage(), "version");
    const [, version = "none"] = /^Consul v?([^\s+]+)/.exec(said) ?? [];
    const before = await engineHoldings();
    const job = new RecordedJob();
    const { exitCode, log } = await job.main(testInputs({ cluster: text, image }));
    await job.post();
    job.dispose();
    expect(exitCode).toBe(1);
    const errors = log.split("\n").filter((line) => line.startsWith("::error"));
    expect(errors).toEqual([
      expect.stringContaining(
        `Input \`cluster\`:4:5: \`config_entries[0] (sameness-group group)\` needs Consul Enterprise 1.16 or later, but this is Consul ${version}`,
      ),
      expect.stringContaining(
        `Input \`cluster\`:5:5: \`config_entries[1] (rate-limit limit)\` needs Consul Enterprise 2.0 or later, but this is Consul ${version}`,
      ),
    ]);
    expect(log).not.toContain("server-1");
    expect(await engineHoldings()).toEqual(before);
  },
);

test("a file that every version supports asks for no version", async () => {
  const script = `#!/consul/sh\n[ "$*" != version ] || exit 1\nexec /bin/consul "$@"\n`;
  const image = await imageLabeled("", script);
  const cluster = await up({
    cluster: "datacenters: [{ name: dc1, servers: 1 }]\nkv: { ok: y }",
    image,
  });
  await cluster.down();
});
