/**
 * What runs each snippet of README and docs: a test that does with its own values what the snippet does, a
 * job of CI, or an example. For those that nothing runs: why not.
 */

export type SnippetMark =
  /** @param says - a text in that file: the title of the test, or the name of the job */
  { readonly file: string; readonly says?: string } | { readonly why: string };

const cluster = (name: string, says: string): SnippetMark => ({
  file: `__tests__/cluster/${name}.test.ts`,
  says,
});
const ci = (job: string): SnippetMark => ({ file: ".github/workflows/ci.yml", says: `  ${job}:` });
const example = (file: string): SnippetMark => ({ file: `examples/${file}` });
const not = (why: string): SnippetMark => ({ why });

const upload = "uploads to GitHub. The folder is tested in logs.test.ts and evidence.test.ts";
const enterprise = not("needs a license of Consul Enterprise");
const clusterFile = cluster("cluster-file", "gives a cluster that has everything in it");
const mutualTls = cluster("mutual-tls", "outputs and environment have the given token and CA");
const clients = (date: string) => `run by hand on ${date}: docs/clients.md has the versions`;

/** By page and heading; one mark for each snippet below it, in order. */
export const snippetMarks: Readonly<Record<string, readonly SnippetMark[]>> = {
  "README.md#consul-cluster-action": [cluster("shapes", "are complete when main returns")],
  "README.md#test-several-consul-versions": [ci("versions")],
  "README.md#query-a-specific-node": [
    cluster("shapes", "report their own name at their own address"),
  ],
  "README.md#reach-the-cluster-from-other-containers": [
    cluster("network", "nodes answer to their names, and the network is kept"),
  ],
  "README.md#run-the-job-in-a-container": [ci("job-container")],
  "README.md#start-several-clusters-in-one-job": [example("workflows/several-clusters.yml")],
  "README.md#start-one-cluster-after-another": [ci("one-after-another")],
  "README.md#wait-for-what-your-job-does": [
    cluster("wait", "a service: once two instances pass, every agent answers so"),
  ],
  "README.md#secure-the-cluster-and-use-the-consul-command": [
    cluster("security", "the exported environment is enough for Consul's CLI"),
  ],
  "README.md#inject-faults-and-run-a-rolling-upgrade": [ci("versions")],
  "README.md#let-nodes-come-and-go": [cluster("scale", "an open cluster grows and shrinks")],
  "README.md#keep-the-logs-of-a-failed-job": [not(upload)],
  "README.md#add-your-own-agent-configuration": [
    cluster("settings", "config, over flags and settings"),
  ],
  "README.md#development": [cluster("up", "up, a second up, and down")],

  "docs/machines.md#a-cluster-on-several-machines": [
    cluster("machines/faults", "a machine dies and comes back"),
  ],
  "docs/machines.md#machines-for-a-job": [
    not("joins machines over SSH; script/machines joins three by the same commands"),
  ],
  "docs/clients.md#python": [cluster("clients-python", "python3-consul reads and writes keys")],
  "docs/clients.md#java": [not(clients("2026-11-24")), not(clients("2026-11-24"))],
  "docs/clients.md#names-under-consul": [
    ci("systemd-resolved"),
    cluster("clients-dnsmasq", "dnsmasq on the runner finds a service's address and port"),
    not("starts a container of the official image; run by hand on 2026-11-24"),
  ],

  "docs/cluster-file.md#the-cluster-file": [
    cluster("cluster-file", "firstVersions[name]"),
    not("a comment for editors; the schema's tests are in cluster-file-schema.test.ts"),
  ],
  "docs/cluster-file.md#version-image": [
    cluster("nodes", "a secured cluster in the middle of an upgrade"),
  ],
  "docs/cluster-file.md#datacenters": [
    clusterFile,
    not("an output, as cluster-file.test.ts has it"),
  ],
  "docs/cluster-file.md#peerings": [cluster("peering", "is peered when main returns")],
  "docs/cluster-file.md#config-server_config-client_config": [
    cluster("cluster-file", "goes to every agent, a datacenter, or a role"),
  ],
  "docs/cluster-file.md#nodes": [
    cluster("nodes", "a secured cluster in the middle of an upgrade"),
    example("workflows/mixed-versions.yml"),
  ],
  "docs/cluster-file.md#acl": [
    cluster("objects", "has auth methods and binding rules with which logins"),
    cluster("cluster-file", "gives a cluster that has everything in it"),
    cluster("objects", "has auth methods and binding rules with which logins"),
  ],
  "docs/cluster-file.md#services": [clusterFile],
  "docs/cluster-file.md#catalog": [
    cluster("objects", "external services, prepared queries, and exported keys"),
    cluster("objects", "external services, prepared queries, and exported keys"),
  ],
  "docs/cluster-file.md#prepared_queries": [
    cluster("objects", "external services, prepared queries, and exported keys"),
    cluster("objects", "external services, prepared queries, and exported keys"),
  ],
  "docs/cluster-file.md#feature_gates": [{ file: "__tests__/engine/seeding.test.ts" }],
  "docs/cluster-file.md#kv": [cluster("cluster-file", "come from files beside the cluster file")],
  "docs/cluster-file.md#kv_file": [
    cluster("objects", "external services, prepared queries, and exported keys"),
    cluster("objects", "external services, prepared queries, and exported keys"),
  ],
  "docs/cluster-file.md#config_entries": [clusterFile],
  "docs/cluster-file.md#snapshot": [
    cluster("objects", "is there again in one that starts from its snapshot"),
    cluster("objects", "is there again in one that starts from its snapshot"),
  ],
  "docs/cluster-file.md#namespaces-and-partitions": [enterprise],

  "docs/engines.md#podman": [
    not("changes the machine's engine; `npm run engines` runs the tests on podman"),
  ],

  "docs/images.md#consul-enterprise": [enterprise],
  "docs/scale.md#scaling": [cluster("scale", "an open cluster grows and shrinks")],
  "docs/security.md#a-management-token-that-you-know": [mutualTls],
  "docs/security.md#callers-with-a-certificate": [mutualTls],
  "docs/security.md#your-own-ca": [mutualTls],

  "docs/faults.md#a-failover-in-four-steps": [example("workflows/failover.yml")],
  "docs/faults.md#a-machine-dies-or-is-cut-off": [
    cluster("machines/faults", "an engine that is cut off, and healed"),
  ],
  "docs/faults.md#partitions": [cluster("fault/partition", "leaves the old leader alone")],
  "docs/faults.md#slow-and-lossy-networks": [
    { file: "__tests__/cluster/fault/impair.test.ts", says: "an impaired node" },
    not("installs a kernel module on GitHub's runners"),
  ],
  "docs/faults.md#faults-for-a-while-and-when-what-happened": [
    cluster("fault/timeline", "a fault for a while"),
  ],

  "docs/images.md#a-file-with-the-version": [
    { file: "__tests__/unit/inputs/version-file.test.ts" },
  ],
  "docs/images.md#pin-an-image-by-its-digest": [not("has no real digest")],
  "docs/images.md#mirrors-of-docker-hub": [
    not("the engine's configuration, not ours"),
    not("logs in to a registry; pulls.test.ts pulls from one without"),
  ],

  "docs/logs.md#logs": [not(upload), not(upload)],

  "docs/performance.md#a-single-server-in-memory": [ci("side-by-side")],
  "docs/performance.md#large-clusters": [
    not("changes the machine's kernel; `npm run bench` does it"),
  ],

  "docs/releases.md#what-to-write-after-": [
    not("asks GitHub about a release, and there is none yet"),
  ],
  "docs/releases.md#what-a-release-proves": [
    not("asks GitHub about a release, and there is none yet"),
  ],

  "docs/remove.md#removing-a-cluster": [ci("one-after-another")],
  "docs/remove.md#logs-of-a-failed-job": [not(upload)],

  "docs/runners.md#the-clusters-network": [cluster("job-containers", "and its advice works")],

  "docs/security.md#secured-clusters": [
    cluster("security", "the exported environment is enough for Consul's CLI"),
  ],
  "docs/security.md#create-your-own-policies-and-tokens": [
    cluster("security", "the exported environment is enough for Consul's CLI"),
  ],
  "docs/security.md#connect-to-a-cluster-with-tls": [
    cluster("security", "outputs and environment have what a client needs"),
    not(clients("2026-11-24")),
    not(clients("2026-11-24")),
    cluster("security", "the npm package consul works with token and CA"),
  ],

  "docs/services-on-the-runner.md#recipe": [
    cluster("services-on-the-runner", "is checked, found by DNS, and called"),
  ],
  "docs/services-on-the-runner.md#if-a-service-stays-critical": [
    cluster("services-on-the-runner", "that listens on the loopback only can't be reached"),
    not("changes the machine's firewall"),
  ],

  "docs/upgrades.md#rolling-upgrades": [
    cluster("upgrade/upgrade", "every container is replaced and keeps its data"),
  ],
  "docs/upgrades.md#several-versions-in-one-step": [
    cluster("upgrade/via", "every node is upgraded to each stop before the next"),
  ],

  "docs/wait.md#waiting": [cluster("wait", "a service: once two instances pass")],
  "docs/wait.md#what-it-can-wait-for": [cluster("wait", "a configuration entry, and a kind")],
  "docs/wait.md#several-datacenters": [cluster("wait", "a key of one is waited for there")],

  "docs/wrapping.md#in-a-composite-action": [ci("wrapped"), ci("wrapped")],
  "docs/wrapping.md#in-a-reusable-workflow": [ci("reusable")],
};
