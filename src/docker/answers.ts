import * as z from "zod";
import { DockerError } from "./docker-error.ts";

/** An image's ID without the name of the hash, which podman leaves out. */
const imageId = z.string().transform((id) => id.replace(/^sha256:/, ""));

export const imageAnswer = z.tuple([
  z.object({
    Config: z.object({
      Labels: z.record(z.string(), z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
    }),
  }),
]);

const networkAnswer = z.tuple([
  z.object({
    Containers: z
      .record(
        z.string(),
        z.object({ Name: z.string(), IPv4Address: z.string(), MacAddress: z.string() }),
      )
      .nullish(),
  }),
]);

/** `Ranges` are the network's subnets (`IPAM.Config`). */
export const networkFacts = z.object({
  Driver: z.string(),
  Attachable: z.boolean(),
  Ranges: z
    .array(
      z.object({
        Subnet: z.string(),
        Gateway: z.string().optional(),
        AuxiliaryAddresses: z.record(z.string(), z.string()).nullish(),
      }),
    )
    .nullable(),
});

/** What a node of a swarm knows of the others' tasks on a network (`network inspect --verbose`). */
export const servicesAnswer = z.tuple([
  z.object({
    Services: z
      .record(
        z.string(),
        z.object({ VIP: z.string(), Tasks: z.array(z.object({ EndpointIP: z.string() })) }),
      )
      .nullish(),
  }),
]);

export const containersAnswer = z.array(
  z.object({
    Id: z.string(),
    /** ID of its image. */
    Image: imageId,
    Name: z.string().transform((name) => name.replace(/^\//, "")),
    State: z.object({
      Status: z.string(),
      Running: z.boolean(),
      Paused: z.boolean(),
      ExitCode: z.number(),
      OOMKilled: z.boolean(),
      Error: z.string(),
      StartedAt: z.string(),
      FinishedAt: z.string(),
    }),
    Config: z.object({
      Hostname: z.string(),
      Image: z.string(),
      Env: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    }),
    Mounts: z.array(
      z.object({ Type: z.string(), Name: z.string().optional(), Destination: z.string() }),
    ),
    HostConfig: z.object({
      Memory: z.number(),
      ExtraHosts: z.array(z.string()).nullish(),
      /** `host`, `bridge`, `container:<ID>`, or the name of a network. */
      NetworkMode: z.string(),
      PortBindings: z
        .record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })))
        .nullish(),
    }),
    NetworkSettings: z.object({
      Networks: z.record(
        z.string(),
        z.object({
          NetworkID: z.string(),
          IPAddress: z.string(),
          Aliases: z.array(z.string()).nullish(),
          // The addresses that the user asked for, as opposed to those that the engine chose.
          IPAMConfig: z
            .object({ IPv4Address: z.string().optional(), IPv6Address: z.string().optional() })
            .nullish(),
        }),
      ),
    }),
  }),
);

export const imageDefaultsAnswer = z.tuple([
  z.object({
    /** The same for all references of the image. */
    Id: imageId,
    RepoDigests: z.array(z.string()).nullish(),
    Os: z.string().optional(),
    Architecture: z.string().optional(),
    Config: z.object({
      Env: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    }),
  }),
]);

/** An engine that answers Docker's API. */
export interface EngineFacts {
  /** `linux/amd64`. */
  readonly platform: string;
  /** Whether it is podman, behind its socket for Docker's API. */
  readonly isPodman: boolean;
}

export const swarmAnswer = z.object({
  NodeID: z.string(),
  NodeAddr: z.string(),
  ControlAvailable: z.boolean(),
  /** Only a manager says it. */
  Cluster: z.object({ SubnetSize: z.number().optional() }).nullish(),
});

/** An engine as a node of a swarm. */
export interface SwarmFacts {
  /** ID of the node; empty if the engine is in no swarm. */
  readonly node: string;
  /** IP address at which the other nodes reach it. */
  readonly address: string;
  /** Whether it can make networks for the swarm. */
  readonly isManager: boolean;
  /** Length of the prefix of networks that the swarm chooses addresses for, as a manager says it. */
  readonly prefixLength: number;
}

/** What an image sets for every container of it. */
export interface ImageDefaults {
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** An image as an engine has it. */
export interface LocalImage extends ImageDefaults {
  /** May differ between engines that store images in different ways. */
  readonly id: string;
  /** Those by which registries know it: `sha256:…`. */
  readonly digests: readonly string[];
  /** `linux/amd64`. */
  readonly platform: string;
}

/** The parts of `docker inspect` of a container that these actions use. */
export type ContainerFacts = z.output<typeof containersAnswer>[number];

const exitEvent = z.object({
  Actor: z.object({
    Attributes: z.looseObject({ name: z.string(), exitCode: z.string() }).catchall(z.string()),
  }),
});

export interface NetworkMember {
  readonly name: string;
  readonly ip: string;
  readonly mac: string;
}

/** A container that ended. */
export interface Exit {
  readonly container: string;
  readonly exitCode: number;
}

/** Characters of an unexpected output that are shown. */
const maxShownOutput = 80;

/**
 * Reads what a docker command printed as JSON.
 *
 * @param command - how messages name it: `image inspect`
 * @throws DockerError `unexpected-output` if it printed something else, as a wrapper script may
 */
export function parseAnswer<T>(schema: z.ZodType<T>, command: string, printed: string): T {
  try {
    return schema.parse(JSON.parse(printed));
  } catch {
    const [line = ""] = printed.split("\n", 1);
    const shown = JSON.stringify(line.slice(0, maxShownOutput));
    throw new DockerError(
      "unexpected-output",
      command,
      `unexpected output, which begins ${shown}.`,
    );
  }
}

/**
 * Reads an event `die`. Podman sends the events that match any of the filters, so all of them are
 * compared here.
 *
 * @param line - the event as JSON
 * @param filters - `label=name` or `label=name=value`
 * @returns undefined if the container does not match all filters
 */
export function parseExit(line: string, filters: readonly string[]): Exit | undefined {
  const { Attributes } = parseAnswer(exitEvent, "events", line).Actor;
  const matches = filters.every((filter) => {
    const [, label = "", value] = /^label=([^=]+)(?:=(.*))?$/.exec(filter) ?? [];
    return label in Attributes && (value === undefined || Attributes[label] === value);
  });
  const { name, exitCode } = Attributes;
  return matches ? { container: name, exitCode: Number(exitCode) } : undefined;
}

/** @param inspected - the network, as `docker network inspect` prints it */
export function parseNetworkMembers(inspected: string): NetworkMember[] {
  const [{ Containers }] = parseAnswer(networkAnswer, "network inspect", inspected);
  return Object.values(Containers ?? {}).map(({ Name, IPv4Address, MacAddress }) => ({
    name: Name,
    ip: IPv4Address.replace(/\/\d+$/, ""),
    mac: MacAddress,
  }));
}
