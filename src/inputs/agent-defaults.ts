/** What agents have in their containers, as far as no input and no variable changes it. */

/** Ports inside the container. The plan decides which are published, and where. */
export const agentPorts = { http: 8500, dns: 8600, grpc: 8502 } as const;

/** The name of the machine that the engine runs on, as Docker Desktop has it by default. */
export const hostName = "host.docker.internal";

/** The image declares a volume here. It needs a mount, or Docker would create it without labels. */
export const imageDataDirectory = "/consul/data";

/** The image's folder for the user's own configuration. */
export const imageConfigDirectory = "/consul/config";

/** The interface in the cluster's network, in a container that is in no other. */
export const bindInterface = "eth0";

/** What agents listen on for callers. */
export const clientAddress = "0.0.0.0";
