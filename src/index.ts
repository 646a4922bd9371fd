/** The bundle: every step of every action in this repository. */
export { fault } from "./fault.ts";
export { main } from "./main.ts";
export { post } from "./post.ts";
export { upgrade } from "./upgrade.ts";
