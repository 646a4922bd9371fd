import { join } from "node:path";
import { consulImage } from "../consul-image.ts";
import { prepareMachine } from "../machine.ts";
import { root } from "../runner.ts";
import type { Home } from "./home.ts";

/** A clone of this repository, where people call `npm run up`. */
export const clone: Home = {
  command: (name) => `npm run ${name}`,
  withFlags: (name, flags) => `npm run ${name}${flags === "" ? "" : ` -- ${flags}`}`,
  records: join(root, ".cluster"),
  // npm itself goes to the folder of package.json.
  workspace: process.env.INIT_CWD ?? process.cwd(),
  prepare: prepareMachine,
  image: () => {
    const image = consulImage();
    // The action's own default, beside which a cluster file may name another version.
    return image === "hashicorp/consul:latest" ? undefined : image;
  },
};
