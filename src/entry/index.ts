/**
 * The bundle: every step of every action in this repository. A step asks docker what it needs to know first in
 * any case, and runs its own code meanwhile, but not that of the other steps: all of it would take longer than
 * anything else before the first change. `eager` is for webpack: all of it stays in one file.
 */
import { loadState } from "../cluster/state.ts";
import { removalQuestions } from "../destroy/destroy.ts";
import { askAhead } from "../docker/ahead.ts";
import { engineQuestion } from "../docker/questions.ts";
import { leftQuestions, nodesQuestion, questionsAfter } from "../find/node-containers.ts";

export { runStep } from "../runner/step.ts";

const input = (name: string) => process.env[`INPUT_${name}`] ?? "";

const nodes = () => nodesQuestion(input("CLUSTER"), process.env);
const askForCluster = () => askAhead([nodes()], questionsAfter);

export const main = async () => {
  // Of several engines each has its own answer. Everything that is created waits for this one, and to ask for more at
  // once would make it later.
  if (input("ENGINES") === "") askAhead([engineQuestion]);
  return (await import(/* webpackMode: "eager" */ "../cluster/main.ts")).main();
};

export const post = async () => {
  const state = loadState();
  // Of several engines each has its own answers.
  if (state?.cleanup && state.engines.length === 0) askAhead(removalQuestions(state.clusterId));
  return (await import(/* webpackMode: "eager" */ "../cluster/post.ts")).post();
};

export const fault = async () => {
  askForCluster();
  return (await import(/* webpackMode: "eager" */ "../fault/fault.ts")).fault();
};

export const logs = async () => {
  askAhead([nodes()]);
  return (await import(/* webpackMode: "eager" */ "../logs/logs.ts")).logs();
};

export const remove = async () => {
  askAhead(leftQuestions(input("CLUSTER"), process.env));
  return (await import(/* webpackMode: "eager" */ "../remove/remove.ts")).remove();
};

export const scale = async () => {
  askForCluster();
  return (await import(/* webpackMode: "eager" */ "../scale/scale.ts")).scale();
};

export const upgrade = async () => {
  askForCluster();
  return (await import(/* webpackMode: "eager" */ "../upgrade/upgrade.ts")).upgrade();
};

export const wait = async () => {
  askForCluster();
  return (await import(/* webpackMode: "eager" */ "../wait/wait.ts")).wait();
};
