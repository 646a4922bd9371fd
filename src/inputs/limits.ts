// What inputs and cluster file share in judging a value.

/** Consul's deployment guide advises 3 or 5 servers, since each write is copied to every one. */
export const maxServers = 15;
/** An agent takes about 50 MB of memory and 0.13 s to start (measured: 2 cores, Consul 1.8.7). */
export const maxClients = 100;
/** Linux passes no single argument of 128 KiB or more to a program (MAX_ARG_STRLEN). */
export const maxConfigBytes = 120_000;
/** Consul lets a datacenter's name be letters, digits, `-` and `_`, and lowers its case. */
export const datacenterPattern = /^[a-z0-9_-]{1,63}$/;
