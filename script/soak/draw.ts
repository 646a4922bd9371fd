/** What a round of the soak test does: drawn before it starts, from a seed. Pure. */
import { oneOf, type Random, randomOf, weighted } from "./random.ts";
import {
  type Datacenter,
  type Fault,
  faults,
  type Security,
  type Shape,
  securities,
  shapes,
  targetsFor,
} from "./shapes.ts";

export const signals = ["SIGINT", "SIGTERM", "SIGKILL"] as const;
export type Signal = (typeof signals)[number];
const postSignals: readonly Signal[] = ["SIGINT", "SIGKILL"];

/** A main step after the start. */
export type LaterStep =
  | { readonly kind: "upgrade" }
  | { readonly kind: "scale"; readonly datacenter: string; readonly inputs: Inputs }
  | {
      readonly kind: "fault";
      readonly action: string;
      /** Empty for all. */
      readonly datacenter: string;
      /** A target, or `node`: what the fault's first step hit. Empty for every node that is away. */
      readonly target: string;
      /** Whether the target is one side of a partition. */
      readonly isSide: boolean;
      readonly inputs: Inputs;
    };

type Inputs = Readonly<Record<string, string>>;

export interface Interruption {
  readonly signal: Signal;
  /** Milliseconds after the start of the step. A step that is faster is not interrupted. */
  readonly after: number;
}

/** Delays that the engine's proxy adds to requests. */
interface Slowness {
  readonly requests: keyof typeof slowRequests;
  readonly milliseconds: number;
}

/** Requests that can be slow. Creations are slow when an engine copies files or waits for a disk. */
export const slowRequests = {
  creations: /\/(containers|networks|volumes)\/create/,
  "starts and stops": /\/containers\/[^/]+\/(start|stop|kill|pause|unpause)/,
  "every request": /./,
} as const;

/** What is done to containers behind the action's back, just before the post step. */
const tamperings = ["a container removed", "a container restarting"] as const;
export type Tampering = (typeof tamperings)[number];

type Sequel = "nothing" | "one fault" | "two faults" | "upgrade" | "scale";

export interface RoundPlan {
  readonly shape: Shape;
  readonly security: Security;
  /** How the table names what follows the start. */
  readonly sequel: Sequel;
  readonly later: readonly LaterStep[];
  /** Interrupts the start (0) or a later step (from 1). */
  readonly interruption: (Interruption & { readonly step: number }) | undefined;
  readonly tampering: Tampering | undefined;
  readonly postInterruption: Interruption | undefined;
  readonly slowness: Slowness | undefined;
}

/** A round without anything random. */
export const plainRound: RoundPlan = {
  shape: oneOf(() => 0, shapes),
  security: "secured",
  sequel: "nothing",
  later: [],
  interruption: undefined,
  tampering: undefined,
  postInterruption: undefined,
  slowness: undefined,
};

/** The plan of a round: the same for the same seed and number. */
export function drawRound(seed: number, number: number): RoundPlan {
  const random = randomOf(seed, number);
  const shape = oneOf(random, shapes);
  const security = oneOf(random, Object.keys(securities).filter(isSecurity));
  const sequel = drawSequel(random, shape);
  const later = drawLater(random, sequel, shape, security);
  const slowness = chance(random, 0.2) ? drawSlowness(random) : undefined;
  const interruption = chance(random, 0.4)
    ? drawInterruption(random, shape, later, slowness ? 2 : 1)
    : undefined;
  const postInterruption = chance(random, 0.25)
    ? { signal: oneOf(random, postSignals), after: upTo(random, postSpan) }
    : undefined;
  const tampering = chance(random, 0.15) ? oneOf(random, tamperings) : undefined;
  return {
    ...{ shape, security, sequel, later, interruption },
    ...{ tampering, postInterruption, slowness },
  };
}

const isSecurity = (name: string): name is Security => name in securities;

const chance = (random: Random, share: number) => random() < share;

const upTo = (random: Random, most: number) => Math.round(random() * most);

/** How often each follows a start, in proportion to the others. */
const sequels: readonly (readonly [number, Sequel])[] = [
  [3, "nothing"],
  [3, "one fault"],
  [2, "two faults"],
  [3, "upgrade"],
  [2, "scale"],
];

// A cluster in memory can't be upgraded, and gets no further server.
const drawSequel = (random: Random, { storage }: Shape) =>
  weighted(
    random,
    sequels.filter(([, sequel]) => storage === "disk" || !["upgrade", "scale"].includes(sequel)),
  );

function drawLater(random: Random, sequel: Sequel, shape: Shape, security: Security): LaterStep[] {
  if (sequel === "nothing") return [];
  if (sequel === "upgrade") return [{ kind: "upgrade" }];
  if (sequel === "scale") return drawScale(random, oneOf(random, shape.datacenters));
  const first = drawFault(random, shape, security);
  return sequel === "one fault" ? first : [...first, ...drawFault(random, shape, security)];
}

function drawFault(random: Random, shape: Shape, security: Security): LaterStep[] {
  const datacenter = oneOf(random, shape.datacenters);
  // A secured server that loses its data also loses the tokens that the agents have.
  const keepsData = shape.storage === "memory" && security === "secured";
  const able = faults.filter(
    (fault) => !(keepsData && fault.restarts) && targetsFor(fault, datacenter).length > 0,
  );
  return stepsOf(random, oneOf(random, able), datacenter);
}

function stepsOf(random: Random, fault: Fault, datacenter: Datacenter): LaterStep[] {
  const target = oneOf(random, targetsFor(fault, datacenter));
  const namesNodes = fault.losesData || (!fault.isPartition && chance(random, 0.5));
  return fault.actions.map((action, index) => ({
    kind: "fault",
    action,
    // A partition is healed as a whole.
    datacenter: fault.isPartition && index > 0 ? "" : datacenter.name,
    target: index === 0 ? target : namesNodes ? "node" : "",
    isSide: index === 0 && fault.isPartition === true,
    inputs: index === 0 ? (fault.inputs ?? {}) : {},
  }));
}

/** To another size, and back. */
function drawScale(random: Random, { name, servers, clients }: Datacenter): LaterStep[] {
  const sizes = [
    { servers: servers + oneOf(random, [0, 2]), clients: clients + oneOf(random, [1, 2]) },
    { servers, clients },
  ];
  return sizes.map((size) => ({
    kind: "scale",
    datacenter: name,
    inputs: { servers: String(size.servers), clients: String(size.clients) },
  }));
}

function drawSlowness(random: Random): Slowness {
  const requests = oneOf(random, ["creations", "starts and stops", "every request"] as const);
  const most = { creations: 1500, "starts and stops": 1500, "every request": 200 }[requests];
  return { requests, milliseconds: upTo(random, most) };
}

const postSpan = 1200;
/** Milliseconds of a `scale` that adds or removes a few nodes. */
const scaleSpan = 8000;
/** Milliseconds of an upgrade for each agent. */
const upgradeSpan = 4000;
/** Milliseconds of a fault: it takes longer to see that a node is gone than that it is back. */
const faultSpans: Readonly<Record<string, number>> = {
  kill: 8000,
  pause: 8000,
  isolate: 8000,
  partition: 8000,
  stop: 12_000,
};
const otherFaultSpan = 3000;

/** Milliseconds that a step takes, about: an interruption comes within them. */
function spanOf({ startSpan, datacenters }: Shape, step: LaterStep | undefined): number {
  if (step === undefined) return startSpan;
  if (step.kind === "fault") return faultSpans[step.action] ?? otherFaultSpan;
  if (step.kind === "scale") return scaleSpan;
  const agents = datacenters.reduce((sum, { servers, clients }) => sum + servers + clients, 0);
  return agents * upgradeSpan;
}

function drawInterruption(
  random: Random,
  shape: Shape,
  later: readonly LaterStep[],
  factor: number,
) {
  // An upgrade has the most moments, and is the only step after its start.
  const weights = [1, ...later.map(({ kind }) => (kind === "upgrade" ? 3 : 1))];
  const step = weighted(
    random,
    weights.map((weight, index) => [weight, index]),
  );
  const after = upTo(random, spanOf(shape, later[step - 1]) * factor);
  return { step, signal: oneOf(random, signals), after };
}

/** The plan in one line, for the terminal and the log. */
export function describePlan(plan: RoundPlan): string {
  const { shape, security, sequel, later, interruption } = plan;
  const { postInterruption, tampering, slowness } = plan;
  const names = ["start", ...later.map(describeStep)];
  const parts = [
    `${shape.name}, ${security}`,
    sequel === "nothing" ? "" : names.slice(1).join(", "),
    interruption &&
      `${interruption.signal} to ${names[interruption.step]} after ${interruption.after} ms`,
    tampering,
    postInterruption && `${postInterruption.signal} to post after ${postInterruption.after} ms`,
    slowness && `${slowness.requests} slower by ${slowness.milliseconds} ms`,
  ];
  return parts.filter(Boolean).join("; ");
}

export function describeStep(step: LaterStep): string {
  if (step.kind === "upgrade") return "upgrade";
  const { datacenter } = step;
  const what =
    step.kind === "scale"
      ? ["scale to", `${step.inputs.servers} + ${step.inputs.clients}`]
      : [step.action, step.target];
  return [...what, ...(["dc1", ""].includes(datacenter) ? [] : [`in ${datacenter}`])]
    .filter((word) => word !== "")
    .join(" ");
}
