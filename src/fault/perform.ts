import * as core from "@actions/core";
import { whileAllRun } from "../find/while-all-run.ts";
import { untilHold } from "../ready/wait.ts";
import { logTimed } from "../runner/log.ts";
import type { Aim } from "./aim.ts";
import type { Effect } from "./effect.ts";
import { namesOf } from "./effect-gates.ts";
import { type FaultAction, restoring, silencing } from "./fault-inputs.ts";
import { untilSettled } from "./settled.ts";
import type { FaultStep } from "./step.ts";
import type { FaultTimeline } from "./timeline.ts";
import { watching } from "./watch.ts";

/** What all that one step does has in common. */
export interface Context extends Omit<FaultStep, "hit"> {
  readonly timeline: FaultTimeline;
  /** Whether to wait for effects. */
  readonly wait: boolean;
}

/**
 * Does something to nodes, waits for what it leads to, and records when what happens.
 *
 * @throws ActionError if it can't be done, if its effect doesn't come in time, or as soon as an agent that
 *   is asked exits
 */
export async function perform(action: FaultAction, aim: Aim, context: Context): Promise<void> {
  const { timeline, wait } = context;
  await core.group(aim.title, async () => {
    if (silencing.includes(action)) await untilSettled(action, aim.effect.watched, context);
    timeline.add(restoring.includes(action) ? "undo" : "fault", {
      action,
      nodes: namesOf(aim.hit),
    });
    await aim.act({ ...context, hit: aim.hit });
    timeline.add("applied", { action });
    logTimed(`${action}: done`);
    if (wait) await confirm(action, aim.effect, context);
  });
}

async function confirm(
  action: FaultAction,
  { what, asked, gates, watched }: Effect,
  { docker, cluster: { clusterId }, timeout, timeline, canceled }: Context,
): Promise<void> {
  if (gates.length === 0) return timeline.add("effect");
  logTimed(`Waiting until ${what}`);
  const summary = `\`${action}\` was not confirmed`;
  const failure = { title: summary, summary };
  const isBack = restoring.includes(action) || action === "restart";
  const end = isBack && watched.led.length > 0 ? "back" : "effect";
  await whileAllRun({ docker, clusterId, agents: asked, signal: canceled }, (signal) =>
    watching(watched, { timeline, end }, signal, () =>
      untilHold(gates, () => asked, { timeout, onChange: logTimed, signal, failure }),
    ),
  );
}
