/** npm run down: removes the clusters that `npm run up` started, or one of them. */
import { clone } from "./local/clone.ts";
import { down } from "./local/down.ts";

process.exitCode = await down(clone, process.argv.slice(2));
