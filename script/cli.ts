#!/usr/bin/env node
/** The command of the npm package: `npx consul-cluster-action up --servers 3`. */
import { homedir } from "node:os";
import { join } from "node:path";
import { down } from "./local/down.ts";
import type { Home } from "./local/home.ts";
import { up } from "./local/up.ts";

/** By the XDG base directory specification: what is to outlive a restart, and to be seen by no one else. */
const stateHome = process.env.XDG_STATE_HOME || join(homedir(), ".local/state");

const installed: Home = {
  command: (name) => `npx consul-cluster-action ${name}`,
  withFlags: (name, flags) => `npx consul-cluster-action ${name} ${flags}`.trimEnd(),
  records: join(stateHome, "consul-cluster-action"),
  workspace: process.cwd(),
  // Docker is the person's own matter.
  prepare: () => {},
  image: () => undefined,
};

const commands = new Map([
  ["up", up],
  ["down", down],
]);

const usage = `npx consul-cluster-action up [flags]
  starts a Consul cluster on this machine, with Docker
npx consul-cluster-action down [id]
  removes it

Both have --help.`;

const [name = "", ...args] = process.argv.slice(2);
const command = commands.get(name);
// dist uses Promise.withResolvers.
const isTooOld = Number.parseInt(process.versions.node, 10) < 22;
if (isTooOld) {
  console.error(
    `This is Node.js ${process.versions.node}: consul-cluster-action needs 22 or later.`,
  );
  process.exitCode = 2;
} else if (command) process.exitCode = await command(installed, args);
else if (name === "--help" || name === "-h") console.log(usage);
else {
  console.error(`The command is "${name}": it must be up or down.\n\n${usage}`);
  process.exitCode = 2;
}
