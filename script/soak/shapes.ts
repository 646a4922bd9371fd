/** The clusters that the soak test draws from, and the faults that each can have. Data only. */

export interface Shape {
  readonly name: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly storage: "memory" | "disk";
  /** Milliseconds within which a start is interrupted: about as long as one takes. */
  readonly startSpan: number;
  /** In the order of the cluster file. With several, `fault` must be told which one to act on. */
  readonly datacenters: readonly Datacenter[];
}

export interface Datacenter {
  readonly name: string;
  readonly servers: number;
  readonly clients: number;
}

const dc1 = (servers: number, clients: number) => [{ name: "dc1", servers, clients }];

const twoDatacenters = `
datacenters:
  - { name: east, servers: 3, clients: 1 }
  - { name: west, servers: 1, clients: 1 }
`;

export const shapes: readonly Shape[] = [
  {
    name: "1 server in memory",
    inputs: { servers: "1", storage: "memory" },
    storage: "memory",
    startSpan: 900,
    datacenters: dc1(1, 0),
  },
  {
    name: "1 server, 1 client",
    inputs: { servers: "1", clients: "1", storage: "disk" },
    storage: "disk",
    startSpan: 1500,
    datacenters: dc1(1, 1),
  },
  {
    name: "3 servers",
    inputs: { servers: "3" },
    storage: "disk",
    startSpan: 2500,
    datacenters: dc1(3, 0),
  },
  {
    name: "3 servers, 2 clients",
    inputs: { servers: "3", clients: "2" },
    storage: "disk",
    startSpan: 3000,
    datacenters: dc1(3, 2),
  },
  {
    name: "2 datacenters (3 + 1 servers, 1 + 1 clients)",
    inputs: { cluster: twoDatacenters },
    storage: "disk",
    startSpan: 6000,
    datacenters: [
      { name: "east", servers: 3, clients: 1 },
      { name: "west", servers: 1, clients: 1 },
    ],
  },
];

export const securities = {
  open: {},
  secured: { acl: "true", tls: "true", "gossip-encryption": "true" },
} as const;
export type Security = keyof typeof securities;

export interface Fault {
  /** Actions one after another: the one that breaks nodes, then what brings them back. */
  readonly actions: readonly [string, ...string[]];
  /** Further inputs of the first action. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Whether the target is cut off as a group of its own. */
  readonly isPartition?: boolean;
  /** Whether it is between the target and other agents. */
  readonly needsOthers?: boolean;
  /** Whether a node that holds the only copy of its data loses it. */
  readonly losesData?: boolean;
  /** Whether a node in memory loses its data. */
  readonly restarts?: boolean;
}

export const faults: readonly Fault[] = [
  { actions: ["kill", "start"], restarts: true },
  { actions: ["stop", "start"], restarts: true },
  { actions: ["restart"], restarts: true },
  { actions: ["pause", "resume"] },
  { actions: ["isolate", "heal"] },
  { actions: ["partition", "heal"], isPartition: true, needsOthers: true },
  // Not `delay`: many kernels lack netem.
  { actions: ["loss", "heal"], inputs: { percent: "5" }, needsOthers: true },
  { actions: ["bandwidth", "heal"], inputs: { rate: "1mbit" }, needsOthers: true },
  { actions: ["kill", "remove-data", "start"], restarts: true, losesData: true },
];

/**
 * Targets in a datacenter. A fault that loses data may not hit so many servers that the rest have
 * no quorum.
 */
export function targetsFor(fault: Fault, { servers, clients }: Datacenter): string[] {
  const { losesData, needsOthers } = fault;
  if (needsOthers && servers + clients === 1) return [];
  const several = ["leader", "follower", "server", "minority"];
  return [
    ...(servers > 1 ? several : []),
    ...(losesData ? [] : servers > 1 ? ["majority"] : ["leader"]),
    ...(clients > 0 ? ["client"] : []),
    ...(clients > 1 ? ["all-clients"] : []),
  ];
}
