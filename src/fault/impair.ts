import type { ContainerFacts } from "../docker/answers.ts";
import type { Docker } from "../docker/docker.ts";
import { ActionError } from "../errors.ts";
import { type ImpairMethod, markOf, markVolume } from "../find/network-mark.ts";
import { labelOf } from "../find/node-facts.ts";
import { clusterFilter, labelArguments, labelNames } from "../plan/labels.ts";
import type { ImpairAction, Impairment } from "./impairment.ts";
import { type Place, placesFor, run } from "./network-tools.ts";

/** What a kernel and the programs at a place can do. */
type Capability = "ip" | "tc" | "htb" | "netem" | "iptables";

const needs: Readonly<Record<ImpairMethod, readonly Capability[]>> = {
  netem: ["ip", "tc", "htb", "netem"],
  htb: ["ip", "tc", "htb"],
  iptables: ["ip", "iptables"],
};

/** How each impairment can be made; the first is preferred. */
const methods: Readonly<Record<ImpairAction, readonly ImpairMethod[]>> = {
  delay: ["netem"],
  loss: ["netem", "iptables"],
  bandwidth: ["htb"],
};

/** The means to make an impairment, or to end it. */
export interface Means {
  readonly method: ImpairMethod;
  readonly place: Place;
}

/**
 * What to make an impairment with. It is tried out in a network namespace of its own, so no node is
 * touched if it can't be made.
 *
 * @param node - any of the affected ones
 * @param toolsImage - empty for none
 * @throws ActionError if no program or no kernel module is there for it
 */
export async function meansOf(
  docker: Docker,
  node: ContainerFacts,
  action: ImpairAction,
  toolsImage: string,
): Promise<Means> {
  const engine = await docker.at(node.Name);
  const { means, seen } = await findMeans(engine, node, methods[action], toolsImage);
  if (means) return means;
  throw cannot(action, node, seen);
}

async function findMeans(
  docker: Docker,
  node: ContainerFacts,
  wanted: readonly ImpairMethod[],
  toolsImage: string,
): Promise<{ means: Means | undefined; seen: readonly Capability[] }> {
  const seen: Capability[] = [];
  for (const place of await placesFor(docker, node, toolsImage)) {
    const can = await capabilitiesAt(docker, place);
    const method = wanted.find((each) => needs[each].every((need) => can.includes(need)));
    if (method) return { means: { method, place }, seen };
    seen.push(...can);
  }
  return { means: undefined, seen };
}

const allCapabilities: readonly Capability[] = ["ip", "tc", "htb", "netem", "iptables"];

async function capabilitiesAt(docker: Docker, place: Place): Promise<Capability[]> {
  const said = (await run(docker, place, { network: "none", script: probe, args: [] })).split(
    /\s+/,
  );
  return allCapabilities.filter((each) => said.includes(each));
}

/** In a namespace of its own, where nothing can break. */
const probe = `
if has ip; then echo ip; fi
if has tc; then
  echo tc
  if tc qdisc add dev lo root handle 1: htb 2>/dev/null &&
    tc class add dev lo parent 1: classid 1:1 htb rate 1mbit &&
    tc filter add dev lo parent 1: protocol ip prio 1 u32 match ip dst 10.0.0.1/32 flowid 1:1 2>/dev/null
  then
    echo htb
    if tc qdisc add dev lo parent 1:1 netem delay 1ms 2>/dev/null; then echo netem; fi
  fi
fi
if has iptables &&
  iptables -A INPUT -m statistic --mode random --probability 0.5 -j DROP 2>/dev/null
then echo iptables; fi
`;

function cannot(
  action: ImpairAction,
  node: ContainerFacts,
  seen: readonly Capability[],
): ActionError {
  const { Image } = node.Config;
  const engine = labelOf(node, labelNames.engine);
  const machine = engine === "" ? "the engine's machine" : `the machine of the engine ${engine}`;
  if (!seen.includes("tc")) {
    const message = `\`${action}\` needs the programs \`ip\` and \`tc\` (iproute2). Neither the image ${Image} nor ${machine} has them. Install iproute2 on that machine, or set \`tools-image\` to an image that has it.`;
    return new ActionError(`No \`tc\` for \`${action}\``, message);
  }
  const missing = seen.includes("htb") ? "netem (sch_netem)" : "HTB (sch_htb, cls_u32)";
  const other = action === "loss" ? ", nor iptables with its statistic match" : "";
  const message = `\`${action}\` needs the kernel's ${missing}, which ${machine} does not have${other}. Nothing was changed. On Ubuntu, an earlier step can add it: \`sudo apt-get install -y linux-modules-extra-$(uname -r) && sudo modprobe sch_netem\`.`;
  return new ActionError(`The kernel can't do \`${action}\``, message);
}

/** The node that is impaired. */
export interface Impaired {
  readonly node: ContainerFacts;
  /** The node's own address in the cluster's network. */
  readonly ip: string;
  /** The other agents' addresses. */
  readonly others: readonly string[];
}

/** Makes an impairment, and waits until packets pass through it. */
export async function impair(
  docker: Docker,
  clusterId: string,
  { node, ip, others }: Impaired,
  { impairment, means }: { readonly impairment: Impairment; readonly means: Means },
): Promise<void> {
  const { method, place } = means;
  const mark = markVolume(node, method);
  await docker.createVolume([...labelArguments({ clusterId, jobLabels: {} }), mark]);
  const script = `${findDevice}${method === "iptables" ? dropSome : shape}`;
  const matched = impairment.scope === "all" ? [] : others;
  const args = [ip, ...parametersFor(impairment, method), ...matched];
  const engine = await docker.at(node.Name);
  await run(engine, place, { network: `container:${node.Name}`, script, args });
}

/**
 * Undoes `impair`.
 *
 * @throws ActionError if the programs are no longer there
 */
export async function unimpair(
  docker: Docker,
  clusterId: string,
  { node, ip }: Omit<Impaired, "others">,
  toolsImage: string,
): Promise<void> {
  const mark = markOf(node, await docker.volumes(clusterFilter(clusterId)));
  if (mark === undefined || mark === "isolated" || mark === "partitioned") return;
  const engine = await docker.at(node.Name);
  const { means } = await findMeans(engine, node, [mark], toolsImage);
  if (!means) {
    const message = `The network of ${node.Name} was changed with ${needs[mark].join(", ")}, and one of these is no longer there. If the earlier step had an input \`tools-image\`, give it to \`heal\`, too.`;
    throw new ActionError("Can't undo the change of a network", message);
  }
  const script = `${findDevice}${mark === "iptables" ? acceptAll : unshape}`;
  await run(engine, means.place, { network: `container:${node.Name}`, script, args: [ip] });
  await docker.removeVolumes([markVolume(node, mark)]);
}

/** What a script gets after the address: one value for iptables, two for tc. */
function parametersFor(impairment: Impairment, method: ImpairMethod): string[] {
  if (impairment.action === "bandwidth") return [`${impairment.kilobits}kbit`, ""];
  const unlimited = "10gbit";
  if (impairment.action === "delay") {
    const { latency, jitter } = impairment;
    return [unlimited, `delay ${latency}ms${jitter > 0 ? ` ${jitter}ms` : ""}`];
  }
  const { percent } = impairment;
  return method === "iptables" ? [String(percent / 100)] : [unlimited, `loss ${percent}%`];
}

// The first argument is the node's address; what is left are the parameters.
const findDevice = `
own=$1; shift
device=$(ip -o -4 addr show | while read -r number name family address rest; do
  if [ "\${address%/*}" = "$own" ]; then echo "$name"; break; fi
done)
[ -n "$device" ] || { echo "no network interface has the address $own" >&2; exit 1; }
`;

/** Until something was sent or received through a rule; 30 s at most. */
const untilSeen = (look: string) => `
tries=0
until ${look}; do
  tries=$((tries + 1))
  [ $tries -lt 150 ] || { echo "no packet has passed within 30 s" >&2; exit 1; }
  sleep 0.2
done
`;

/** With addresses, what goes to them; without, everything. */
const shape = `
rate=$1; emulation=$2; shift 2
if [ $# -eq 0 ]; then class=1; else class=0; fi
tc qdisc replace dev "$device" root handle 1: htb default $class
tc class replace dev "$device" parent 1: classid 1:1 htb rate "$rate" quantum 60000
if [ -n "$emulation" ]; then
  tc qdisc replace dev "$device" parent 1:1 handle 10: netem $emulation limit 100000
fi
for address; do
  tc filter add dev "$device" parent 1: protocol ip prio 1 u32 match ip dst "$address/32" flowid 1:1
done
${untilSeen('tc -s class show dev "$device" | grep -q "Sent [1-9]"')}
`;

const unshape = `
if tc qdisc show dev "$device" | grep -q "htb 1:"; then tc qdisc del dev "$device" root; fi
`;

/** Name of the chain of rules. */
const chain = "CONSUL-CLUSTER-ACTION";

/**
 * Drops what arrives, not what is sent: to drop the latter makes \`sendto\` fail, and Consul's gossip
 * then sees no agent as failed (memberlist's \`probeNode\`). The rules without a target only count.
 */
const dropSome = `
probability=$1; shift
iptables -w -N ${chain}
if [ $# -eq 0 ]; then set -- 0.0.0.0/0; fi
for address; do
  iptables -w -A ${chain} -i "$device" -s "$address"
  iptables -w -A ${chain} -i "$device" -s "$address" -m statistic --mode random --probability "$probability" -j DROP
done
iptables -w -I INPUT -j ${chain}
${untilSeen(`iptables -w -n -v -x -L ${chain} | grep -q "^ *[1-9]"`)}
`;

const acceptAll = `
if iptables -w -n -L ${chain} >/dev/null 2>&1; then
  iptables -w -D INPUT -j ${chain}
  iptables -w -F ${chain}
  iptables -w -X ${chain}
fi
`;
