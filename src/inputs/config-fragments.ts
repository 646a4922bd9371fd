import { type Setting, settingsIn } from "./agent-config-text.ts";
import type { AgentsSpec } from "./cluster-spec.ts";
import type { NodeShape } from "./nodes.ts";
import type { Path } from "./wording.ts";

/** Agent configuration from one place in what the user wrote. */
export interface Fragment {
  /** HCL or JSON; may be empty. */
  readonly text: string;
  /** Which agents get it. */
  readonly isFor: (agent: NodeShape) => boolean;
  /** The input that holds it, or its path in the cluster file. */
  readonly source: "config" | "env" | Path;
}

/** All agent configuration that the user gives. */
export function fragmentsOf(spec: AgentsSpec): Fragment[] {
  const { config, fileConfig, datacenters, nodes, env } = spec;
  const everyone = () => true;
  return [
    { text: config, isFor: everyone, source: "config" },
    { text: env.get("CONSUL_LOCAL_CONFIG") ?? "", isFor: everyone, source: "env" },
    { text: fileConfig.all, isFor: everyone, source: ["config"] },
    { text: fileConfig.server, isFor: ({ role }) => role === "server", source: ["server_config"] },
    { text: fileConfig.client, isFor: ({ role }) => role === "client", source: ["client_config"] },
    ...datacenters.map(({ name, config }, index): Fragment => {
      const isFor = ({ datacenter }: NodeShape) => datacenter === name;
      return { text: config, isFor, source: ["datacenters", index, "config"] };
    }),
    ...[...nodes].flatMap(([name, own]): Fragment[] => {
      const isFor = ({ node }: NodeShape) => node === name;
      const local = own.env.get("CONSUL_LOCAL_CONFIG") ?? "";
      return [
        { text: own.config, isFor, source: ["nodes", name, "config"] },
        { text: local, isFor, source: ["nodes", name, "env", "CONSUL_LOCAL_CONFIG"] },
      ];
    }),
  ];
}

/** A setting's keys with dots between them, in lower case: Consul ignores the case of keys. */
export const settingName = ({ path }: Setting) => path.join(".").toLowerCase();

/** Tokens that an agent uses for itself and for its callers. The last two are up to Consul 1.10. */
const tokenSettings = ["acl.tokens.default", "acl.tokens.agent", "acl_token", "acl_agent_token"];

/** Whether the user gives agents such tokens, which nothing may replace. */
export function givesTokens(spec: AgentsSpec): boolean {
  return fragmentsOf(spec).some(({ text }) =>
    settingsIn(text).some((setting) => tokenSettings.includes(settingName(setting))),
  );
}
