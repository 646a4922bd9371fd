/** The bundle: every step of every action in this repository. */
export { main } from "../cluster/main.ts";
export { post } from "../cluster/post.ts";
export { fault } from "../fault/fault.ts";
export { logs } from "../logs/logs.ts";
export { remove } from "../remove/remove.ts";
export { runStep } from "../runner/step.ts";
export { scale } from "../scale/scale.ts";
export { upgrade } from "../upgrade/upgrade.ts";
export { wait } from "../wait/wait.ts";
