import * as z from "zod";
import { parseImage, tagPattern } from "../docker/image-reference.ts";
import {
  clientsAllowed,
  datacenterPattern,
  maxClients,
  maxConfigBytes,
  maxServers,
} from "./limits.ts";

// Every `error` is the second half of a message: "`datacenters[0].servers` is 99: it must be …".

const text = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, { error });

const wholeNumberField = (
  min: number,
  max: number,
  allowed = `a whole number from ${min} to ${max}`,
) => {
  const error = `it must be ${allowed}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const booleanField = () => z.boolean({ error: "it must be `true` or `false`" });

const pathError = "it must be the path of a file";
const path = () => z.string({ error: pathError }).min(1, { error: pathError }).optional();

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
      ).describe(
        "Name of the datacenter. The first datacenter is the primary; with `peerings`, each that has one is its own.",
      ),
      servers: wholeNumberField(1, maxServers).optional().describe("Number of server agents."),
      clients: wholeNumberField(0, maxClients, clientsAllowed)
        .optional()
        .describe("Number of client agents."),
      config: config("every agent of this datacenter"),
    },
    { error: "it must be a mapping with `name`, `servers`, `clients`, and `config`" },
  )
  .describe("A datacenter. Without `servers` or `clients`, it has as many as the inputs specify.");

const versionTag = () =>
  text(
    tagPattern,
    'it must be a tag of the Consul image, in quotes ("1.10" without quotes is the number 1.1)',
  ).optional();

const valueError = "it must be a string; put numbers and booleans in quotes";

const node = z.strictObject(
  {
    version: versionTag().describe(
      'Consul version of this node, as a tag of the image, in quotes: "1.21".',
    ),
    config: config("this node"),
    env: z
      .record(z.string(), z.string({ error: valueError }), {
        error: "it must be a mapping of variables to strings",
      })
      .optional()
      .describe("Environment variables of this node's agent, besides those of the input `env`."),
  },
  { error: "it must be a mapping with `version`, `config`, and `env`" },
);

const datacenterName = () => z.string({ error: "it must be the name of a datacenter" });

const peering = z.strictObject(
  {
    acceptor: datacenterName().describe("The datacenter that generates the peering token."),
    dialer: datacenterName().describe(
      "The datacenter that gets the token, and whose servers dial the other's.",
    ),
  },
  { error: "it must be a mapping with `acceptor` and `dialer`" },
);

const configEntry = z.looseObject(
  {
    datacenter: datacenterName()
      .optional()
      .describe("With `peerings`, the datacenter that the entry is for. Defaults to all."),
  },
  { error: definitionError },
);

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

const aclError =
  "it must be `true`, `false`, or a mapping with `policies`, `roles`, `auth_methods`, `binding_rules`, and `tokens`";

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
    auth_methods: list(
      definition(),
      "Auth methods in the API's format: Name, Type, Description, Config. They belong to the first datacenter; with `peerings`, to each that has one.",
    ),
    binding_rules: list(
      definition(),
      "Binding rules in the API's format: AuthMethod, Description, Selector, BindType, BindName.",
    ),
    tokens: list(
      definition(),
      "Tokens in the API's format: AccessorID, SecretID, Description, Policies, Roles, ServiceIdentities, Local. The `tokens` output contains their secrets.",
    ),
  },
  { error: aclError },
);

export const schema = z
  .strictObject(
    {
      version: versionTag().describe('Consul version, as a tag of the image, in quotes: "2.1".'),
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
        .describe(
          "The datacenters. They share a network and are joined over WAN, except those that have a peering.",
        ),
      peerings: list(
        peering,
        "Peerings, each of two datacenters, from Consul 1.14. A datacenter with a peering is not joined over WAN.",
      ),
      config: config("every agent"),
      server_config: config("servers only"),
      client_config: config("clients only"),
      nodes: z
        .record(z.string(), node, {
          error: "it must be a mapping of node names to their settings",
        })
        .optional()
        .describe(
          "Settings of single nodes by name: `server-2`, or `east-server-2` with several datacenters.",
        ),
      acl: z
        .union([booleanField(), acl], { error: aclError })
        .optional()
        .describe(
          "Turns on ACLs with the default policy `deny`. A mapping also creates policies, roles, auth methods, binding rules, and tokens.",
        ),
      gossip_encryption: booleanField().optional().describe("Encrypts gossip with a new key."),
      tls: z
        .union([booleanField(), z.literal("mutual")], {
          error: "it must be `true`, `false`, or `mutual`",
        })
        .optional()
        .describe(
          "Creates a CA and a certificate for every agent; the HTTP API is served over HTTPS only. With `mutual`, it also asks callers for a certificate.",
        ),
      snapshot: path().describe(
        "A file that `consul snapshot save` wrote, restored before anything else, in a cluster of one datacenter. The path is relative to the cluster file's folder.",
      ),
      feature_gates: z
        .record(z.string(), booleanField(), {
          error: "it must be a mapping of feature gates to `true` or `false`",
        })
        .optional()
        .describe(
          "Consul's feature gates to turn on or off in every datacenter, by name: https://developer.hashicorp.com/consul/docs/manage/feature-gates",
        ),
      services: list(service, "Services, each registered with an agent that you choose."),
      catalog: list(
        definition(),
        "Nodes, services, and checks that no agent registers, in the format of the catalog's API: Node, Address, NodeMeta, Service, Checks: https://developer.hashicorp.com/consul/api-docs/catalog#register-entity",
      ),
      prepared_queries: list(
        definition(),
        "Prepared queries in the API's format, for the first datacenter: https://developer.hashicorp.com/consul/api-docs/query#create-prepared-query",
      ),
      kv: z
        .record(z.string(), z.string({ error: valueError }), {
          error: "it must be a mapping of keys to strings",
        })
        .optional()
        .describe(
          "Keys and values of the first datacenter's KV store. `@path` inserts a file's content, with the path relative to the cluster file's folder; `@@` starts a value with a literal @.",
        ),
      kv_file: path().describe(
        "A file with keys, their values, and their flags, as `consul kv export` writes it. The path is relative to the cluster file's folder. A key that is also in `kv` has the value from there.",
      ),
      config_entries: list(
        configEntry,
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
  ["peerings", peering.keyof().options],
  ["nodes", node.keyof().options],
  ["acl", acl.keyof().options],
]);

/** The JSON Schema of a cluster file, for editors. `npm run schema` writes it to a file. */
export function clusterFileSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(schema, { io: "input", target: "draft-7" });
}
