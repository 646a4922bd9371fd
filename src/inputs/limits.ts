// Limits that hold for inputs and for the cluster file.

/** Consul's deployment guide recommends 3 or 5 servers, since every write goes to every server. */
export const maxServers = 15;
/** A swarm of engines larger than this is another project's. */
export const maxEngines = 9;
/** An agent needs about 50 MB of memory and 0.13 s to start (measured: 2 cores, Consul 1.8.7). */
export const maxClientsOnEngine = 100;
/** Whatever the number of engines. */
export const maxClients = maxEngines * maxClientsOnEngine;
/** How many clients a datacenter may have, in words. */
export const clientsAllowed = `a whole number from 0 to ${maxClientsOnEngine}, or with \`engines\` that many for each of them`;
/** An argument of a program must be shorter than 128 KiB on Linux (MAX_ARG_STRLEN). */
export const maxConfigBytes = 120_000;
/** Consul allows letters, digits, `-`, and `_`, and lowercases the name. */
export const datacenterPattern = /^[a-z0-9_-]{1,63}$/;
