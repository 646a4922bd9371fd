import * as z from "zod";
import { parseImage, tagPattern } from "../docker/image-reference.ts";
import { datacenterPattern, maxClients, maxConfigBytes, maxServers } from "./limits.ts";

// Every `error` is the second half of a message: "`datacenters[0].servers` is 99: it must be …".

const text = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

const wholeNumberField = (min: number, max: number) => {
  const error = `it must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const booleanField = () => z.boolean({ error: "it must be true or false" });

const definitionError = "it must be a mapping of Consul's own keys";
const definition = () => z.looseObject({}, { error: definitionError });

const configError = `it must be a mapping of Consul's own keys, of at most ${maxConfigBytes} bytes as JSON (Linux passes no longer argument to a program)`;
const config = (whom: string) =>
  z
    .looseObject({}, { error: configError })
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= maxConfigBytes, {
      error: configError,
    })
    .optional()
    .describe(
      `Agent configuration for ${whom}, in Consul's own keys: https://developer.hashicorp.com/consul/docs/agent/config`,
    );

const list = <T extends z.ZodType>(item: T, description: string) =>
  z.array(item, { error: "it must be a list" }).optional().describe(description);

const datacenter = z
  .strictObject(
    {
      name: text(
        datacenterPattern,
        "it must be at most 63 lower-case letters, digits, '-' and '_'",
      ).describe("Name of the datacenter. The first datacenter is the primary."),
      servers: wholeNumberField(1, maxServers).optional().describe("Number of server agents."),
      clients: wholeNumberField(0, maxClients).optional().describe("Number of client agents."),
      config: config("every agent of this datacenter"),
    },
    { error: "it must be a mapping with `name`, `servers`, `clients` and `config`" },
  )
  .describe("A datacenter. Without `servers` or `clients`, it has as many as the inputs say.");

const service = z
  .looseObject(
    {
      node: z
        .string({ error: "it must be the name of a node" })
        .optional()
        .describe(
          "On which agent: `client-1`, or `east-client-1` where there are several datacenters. By default the first client of the first datacenter, or its first server where it has no clients.",
        ),
      name: z.unknown().optional().describe("Name of the service."),
      id: z.unknown().optional().describe("By default the service's name."),
      port: z.unknown().optional(),
      address: z.unknown().optional(),
      tags: z.unknown().optional(),
      meta: z.unknown().optional(),
      check: z
        .unknown()
        .optional()
        .describe("A health check. With `status: passing` the service is passing from the start."),
      checks: z.unknown().optional().describe("Several health checks."),
      connect: z.unknown().optional(),
    },
    { error: definitionError },
  )
  .describe(
    "A service definition as Consul's agent API takes it: https://developer.hashicorp.com/consul/api-docs/agent/service#register-service",
  );

const acl = z.strictObject(
  {
    policies: list(
      definition(),
      "Policies as the API takes them: Name, Description, Rules, Datacenters.",
    ),
    roles: list(
      definition(),
      "Roles as the API takes them: Name, Description, Policies, ServiceIdentities.",
    ),
    tokens: list(
      definition(),
      "Tokens as the API takes them: AccessorID, SecretID, Description, Policies, Roles, ServiceIdentities, Local. Their secrets are in the output `tokens`.",
    ),
  },
  { error: "it must be true, false, or a mapping with `policies`, `roles` and `tokens`" },
);

const keyError =
  "it must be a string: quote it, since a number or a boolean can be written in several ways";

export const schema = z
  .strictObject(
    {
      version: text(
        tagPattern,
        'it must be a tag of the Consul image in quotes: "1.10" without them is the number 1.1',
      )
        .optional()
        .describe('Consul version, as a tag of the image, in quotes: "2.1".'),
      image: z
        .string({ error: "it must be an image reference" })
        .refine((reference) => parseImage(reference) !== undefined, {
          error:
            "it must be an image reference: [registry[:port]/]repository[:tag][@sha256:digest]",
        })
        .optional()
        .describe("Image repository, or a full reference with a tag or digest."),
      datacenters: z
        .array(datacenter, { error: "it must be a list of datacenters" })
        .min(1, { error: "it must name at least one datacenter" })
        .optional()
        .describe("The datacenters. They share a network and are joined over WAN."),
      config: config("every agent"),
      server_config: config("servers only"),
      client_config: config("clients only"),
      acl: z
        .union([booleanField(), acl], {
          error: "it must be true, false, or a mapping with `policies`, `roles` and `tokens`",
        })
        .optional()
        .describe(
          "ACLs with a default policy of deny; with a mapping, also policies, roles and tokens.",
        ),
      gossip_encryption: booleanField().optional().describe("A fresh gossip key on every agent."),
      tls: booleanField()
        .optional()
        .describe("A fresh CA; every agent has a certificate, and HTTPS only."),
      services: list(service, "Services, each registered with an agent of your choice."),
      kv: z
        .record(z.string(), z.string({ error: keyError }), {
          error: "it must be a mapping of keys to strings",
        })
        .optional()
        .describe(
          "Keys and values of the first datacenter's KV store. `@path` reads a file, from the cluster file's folder on; `@@` begins a value with an @.",
        ),
      config_entries: list(
        definition(),
        "Configuration entries as the API takes them, applied in this order: https://developer.hashicorp.com/consul/docs/connect/config-entries",
      ),
    },
    { error: "the keys of a cluster file are in docs/cluster-file.md" },
  )
  .describe("A cluster file of consul-cluster-action.");

export type Content = z.output<typeof schema>;

/** The keys that are known where only known ones may stand, by the first key of the path. */
export const knownKeys = new Map<PropertyKey | undefined, readonly string[]>([
  [undefined, schema.keyof().options],
  ["datacenters", datacenter.keyof().options],
  ["acl", acl.keyof().options],
]);

/** The JSON Schema of a cluster file, for editors. `npm run schema` writes it to a file. */
export function clusterFileSchema(): unknown {
  return z.toJSONSchema(schema, { io: "input", target: "draft-7" });
}
