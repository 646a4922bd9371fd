/**
 * The bundle: every step of every action in this repository. A step runs what it needs itself and not what
 * the others need: to run all of it takes longer than anything else before the first docker command.
 * `eager` is for webpack: all of it stays in one file.
 */
export { runStep } from "../runner/step.ts";

export const main = async () =>
  (await import(/* webpackMode: "eager" */ "../cluster/main.ts")).main();
export const post = async () =>
  (await import(/* webpackMode: "eager" */ "../cluster/post.ts")).post();
export const fault = async () =>
  (await import(/* webpackMode: "eager" */ "../fault/fault.ts")).fault();
export const logs = async () => (await import(/* webpackMode: "eager" */ "../logs/logs.ts")).logs();
export const remove = async () =>
  (await import(/* webpackMode: "eager" */ "../remove/remove.ts")).remove();
export const scale = async () =>
  (await import(/* webpackMode: "eager" */ "../scale/scale.ts")).scale();
export const upgrade = async () =>
  (await import(/* webpackMode: "eager" */ "../upgrade/upgrade.ts")).upgrade();
export const wait = async () => (await import(/* webpackMode: "eager" */ "../wait/wait.ts")).wait();
