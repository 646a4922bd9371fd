/** npm run up: starts a cluster. Every input of the action is a flag: npm run up -- --servers 3 --tls */
import { clone } from "./local/clone.ts";
import { up } from "./local/up.ts";

process.exitCode = await up(clone, process.argv.slice(2));
