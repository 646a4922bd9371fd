import * as z from "zod";
import { parseImage, tagPattern } from "../docker/image-reference.ts";
import { datacenterPattern, maxClients, maxConfigBytes, maxServers } from "./limits.ts";

// Every `error` is the second half of a message: "`datacenters[0].servers` is 99: it must be …".

const text = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

const wholeNumberField = (min: number, max: number) => {
  const error = `it must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const booleanField = () => z.boolean({ error: "it must be `true` or `false`" });

const definitionError = "it must be a mapping with the keys of Consul's API";
const definition = () => z.looseObject({}, { error: definitionError });

const configError = `it must be a mapping with keys of Consul's agent configuration, and at most ${maxConfigBytes} bytes long as JSON (the longest argument that Linux passes to a program)`;
const config = (agents: string) =>
  z
    .looseObject({}, { error: configError })
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= maxConfigBytes, {
      error: configError,
    })
    .optional()
    .describe(
      `Agent configuration for ${agents}, in Consul's own keys: https://developer.hashicorp.com/consul/docs/agent/config`,
    );

const list = <T extends z.ZodType>(item: T, description: string) =>
  z.array(item, { error: "it must be a list" }).optional().describe(description);

const datacenter = z
  .strictObject(
    {
      name: text(
        datacenterPattern,
        "it must be 1 to 63 lowercase letters, digits, `-`, and `_`",
      ).describe("Name of the datacenter. The first datacenter is the primary."),
      servers: wholeNumberField(1, maxServers).optional().describe("Number of server agents."),
      clients: wholeNumberField(0, maxClients).optional().describe("Number of client agents."),
      config: config("every agent of this datacenter"),
    },
    { error: "it must be a mapping with `name`, `servers`, `clients`, and `config`" },
  )
  .describe("A datacenter. Without `servers` or `clients`, it has as many as the inputs specify.");

const service = z
  .looseObject(
    {
      node: z
        .string({ error: "it must be the name of a node" })
        .optional()
        .describe(
          "The node whose agent registers the service: `client-1`, or `east-client-1` with several datacenters. Defaults to the first client of the first datacenter, or to its first server if it has no clients.",
        ),
      name: z.unknown().optional().describe("Name of the service."),
      id: z.unknown().optional().describe("Defaults to the service's name."),
      port: z.unknown().optional(),
      address: z.unknown().optional(),
      tags: z.unknown().optional(),
      meta: z.unknown().optional(),
      check: z
        .unknown()
        .optional()
        .describe("A health check. With `status: passing`, the service is passing from the start."),
      checks: z.unknown().optional().describe("Several health checks."),
      connect: z.unknown().optional(),
    },
    { error: definitionError },
  )
  .describe(
    "A service definition in the format of Consul's agent API: https://developer.hashicorp.com/consul/api-docs/agent/service#register-service",
  );

const acl = z.strictObject(
  {
    policies: list(
      definition(),
      "Policies in the API's format: Name, Description, Rules, Datacenters.",
    ),
    roles: list(
      definition(),
      "Roles in the API's format: Name, Description, Policies, ServiceIdentities.",
    ),
    tokens: list(
      definition(),
      "Tokens in the API's format: AccessorID, SecretID, Description, Policies, Roles, ServiceIdentities, Local. The `tokens` output contains their secrets.",
    ),
  },
  { error: "it must be `true`, `false`, or a mapping with `policies`, `roles`, and `tokens`" },
);

const keyError = "it must be a string; put numbers and booleans in quotes";

export const schema = z
  .strictObject(
    {
      version: text(
        tagPattern,
        'it must be a tag of the Consul image, in quotes ("1.10" without quotes is the number 1.1)',
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
        .min(1, { error: "it must have at least one datacenter" })
        .optional()
        .describe("The datacenters. They share a network and are joined over WAN."),
      config: config("every agent"),
      server_config: config("servers only"),
      client_config: config("clients only"),
      acl: z
        .union([booleanField(), acl], {
          error: "it must be `true`, `false`, or a mapping with `policies`, `roles`, and `tokens`",
        })
        .optional()
        .describe(
          "Turns on ACLs with the default policy `deny`. A mapping also creates policies, roles, and tokens.",
        ),
      gossip_encryption: booleanField().optional().describe("Encrypts gossip with a new key."),
      tls: booleanField()
        .optional()
        .describe(
          "Creates a CA and a certificate for every agent; the HTTP API is served over HTTPS only.",
        ),
      services: list(service, "Services, each registered with an agent that you choose."),
      kv: z
        .record(z.string(), z.string({ error: keyError }), {
          error: "it must be a mapping of keys to strings",
        })
        .optional()
        .describe(
          "Keys and values of the first datacenter's KV store. `@path` inserts a file's content, with the path relative to the cluster file's folder; `@@` starts a value with a literal @.",
        ),
      config_entries: list(
        definition(),
        "Configuration entries in the API's format, written in this order: https://developer.hashicorp.com/consul/docs/connect/config-entries",
      ),
    },
    { error: "the keys of a cluster file are in docs/cluster-file.md" },
  )
  .describe("A cluster file of consul-cluster-action.");

export type Content = z.output<typeof schema>;

/** The known keys of the mappings that allow no others, by the first key of the path. */
export const knownKeys = new Map<PropertyKey | undefined, readonly string[]>([
  [undefined, schema.keyof().options],
  ["datacenters", datacenter.keyof().options],
  ["acl", acl.keyof().options],
]);

/** The JSON Schema of a cluster file, for editors. `npm run schema` writes it to a file. */
export function clusterFileSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(schema, { io: "input", target: "draft-7" });
}
