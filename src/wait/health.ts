/** Conditions on the health of services, checks, and nodes. */
import type { HealthCheck, ServiceInstance } from "../consul/catalog.ts";
import { counted } from "../errors.ts";
import { type Condition, notThere, type OutputOf, oneLine, type Sight } from "./condition.ts";

const isPassing = ({ status }: HealthCheck) => status === "passing";

const areAllPassing = ({ checks }: ServiceInstance) => checks.every(isPassing);

/** @param wanted - how many instances must pass, at least */
export const serviceCondition = (service: string, wanted: number): Condition => ({
  subject: `service ${service}`,
  name: `service ${service} has ${counted(wanted, "passing instance")}`,
  look: async (consul, mode) =>
    sightOfService(service, wanted, await consul.catalog.instances(service, mode)),
  instead: async (consul, outputOf) => {
    const instances = await consul.catalog.instances(service, "stale");
    if (sightOfService(service, wanted, instances).holds) return [];
    return instances.length === 0
      ? [notThere("service", service, await consul.catalog.serviceNames())]
      : insteadOfInstances(instances, outputOf);
  },
});

/** An instance passes if its own checks and its node's do, as in a query with `?passing`. Pure. */
export function sightOfService(
  service: string,
  wanted: number,
  all: readonly ServiceInstance[],
): Sight {
  const passing = all.filter(areAllPassing);
  const holds = passing.length >= wanted;
  const count = holds
    ? counted(passing.length, "instance")
    : `${passing.length} of ${counted(wanted, "instance")}`;
  return {
    holds,
    seen: all.length === 0 ? "no instance" : `${count} passing`,
    instances: passing.map(({ id, node, address, port }) => ({ service, id, node, address, port })),
  };
}

/** Each instance with its state, those that don't pass first. Pure. */
export function insteadOfInstances(all: readonly ServiceInstance[], outputOf: OutputOf): string[] {
  const failing = all.filter((instance) => !areAllPassing(instance));
  const passing = all.filter(areAllPassing);
  return [
    ...failing.map(({ id, node, checks }) => {
      const reasons = reasonsIn(checks, outputOf);
      return `${id} on ${node}: ${reasons.join("; ")}`;
    }),
    ...passing.map(({ id, node }) => `${id} on ${node}: passing`),
  ];
}

/** Of each check that doesn't pass: `critical: Service 'web' check: connection refused`. */
const reasonsIn = (checks: readonly HealthCheck[], outputOf: OutputOf) =>
  checks
    .filter((check) => !isPassing(check))
    .map((check) => {
      const parts = [check.status, check.name, outputOf(check)].map(oneLine);
      return parts.filter((text) => text !== "").join(": ");
    });

/** @param wanted - ID or name of a check */
export const checkCondition = (wanted: string): Condition => ({
  subject: `check ${wanted}`,
  name: `check ${wanted} is passing`,
  look: async (consul, mode) => sightOfCheck(named(wanted, await consul.catalog.checks(mode))),
  instead: async (consul, outputOf) =>
    insteadOfCheck(wanted, await consul.catalog.checks("stale"), outputOf),
});

const named = (wanted: string, all: readonly HealthCheck[]) =>
  all.filter(({ id, name }) => id === wanted || name === wanted);

/** If several nodes have the check, it must pass on all of them. Pure. */
export function sightOfCheck(checks: readonly HealthCheck[]): Sight {
  const passing = checks.filter(isPassing).length;
  const [first] = checks;
  if (!first) return { holds: false, seen: "no such check" };
  const seen = checks.length === 1 ? first.status : `${passing} of ${checks.length} passing`;
  return { holds: passing === checks.length, seen };
}

/** Each check of that ID or name that doesn't pass, or the ones that there are. Pure. */
export function insteadOfCheck(
  wanted: string,
  all: readonly HealthCheck[],
  outputOf: OutputOf,
): string[] {
  const checks = named(wanted, all);
  if (checks.length === 0) {
    const known = new Set(all.flatMap(({ id, name }) => [id, name]));
    return [notThere("check", wanted, [...known])];
  }
  return checks.flatMap((check) =>
    reasonsIn([check], outputOf).map((reason) => `${check.id} on ${check.node}: ${reason}`),
  );
}

/** A node that is in the catalog, and whose own checks pass: that of gossip, `serfHealth`, and others. */
export const nodeCondition = (node: string): Condition => ({
  subject: `node ${node}`,
  name: `node ${node} is in the catalog and healthy`,
  look: async (consul, mode) => sightOfNode(await consul.catalog.nodeChecks(node, mode)),
  instead: async (consul, outputOf) => {
    const checks = await consul.catalog.nodeChecks(node, "stale");
    return checks
      ? reasonsIn(checks, outputOf)
      : [notThere("node", node, await consul.catalog.nodeNames())];
  },
});

/** @param checks - undefined if the node is not in the catalog */
export function sightOfNode(checks: readonly HealthCheck[] | undefined): Sight {
  if (!checks) return { holds: false, seen: "not in the catalog" };
  const failing = checks.filter((check) => !isPassing(check));
  const seen = failing.map(({ id, status }) => `${id} ${status}`).join(", ");
  return { holds: failing.length === 0, seen: seen || "healthy" };
}
