/** What GitHub's marketplace asks of an action.yml. */
import { join } from "node:path";
import type { Action } from "../action.ts";
import { actionFolders, readAction } from "../action.ts";
import { root } from "../runner.ts";

/** The marketplace's form for publishing: "Description must be less than 125 characters." */
const descriptionLimit = 125;

/** docs.github.com, Metadata syntax, `branding.color` */
const colors: readonly string[] = "white black yellow blue green orange red purple gray-dark".split(
  " ",
);

/**
 * Icons of Feather 4.28 that the marketplace draws, as far as the actions of this repository may want
 * them. docs.github.com, Metadata syntax, `branding.icon`, lists all of them, and those it leaves out.
 */
const icons: readonly string[] = (
  "activity archive arrow-up-circle check-circle clock file-text layers maximize-2 minus-circle pause-circle " +
  "play-circle refresh-cw server share-2 trash trash-2 upload watch x-circle zap zap-off"
).split(" ");

/** @returns what is wrong with the actions, one line each */
export function checkMarketplace(): string[] {
  const actions = actionFolders().map((folder) => ({
    file: join(folder, "action.yml"),
    action: readAction(join(root, folder)),
  }));
  return actions.flatMap(({ file, action }) => {
    const others = actions.filter((other) => other.file !== file).map(({ action }) => action.name);
    return marketplaceProblems(action, others).map((problem) => `${file}: ${problem}`);
  });
}

/** @param others - names of the other actions */
export function marketplaceProblems(action: Action, others: readonly string[]): string[] {
  const { name, description, branding } = action;
  const { icon, color } = branding ?? {};
  return [
    ...(others.includes(name) ? [`another action is named ${name}, too`] : []),
    ...(description.length < descriptionLimit
      ? []
      : [`description has ${description.length} characters, not less than ${descriptionLimit}`]),
    ...(icon !== undefined && icons.includes(icon)
      ? []
      : [`branding.icon is ${icon}; script/check/marketplace.ts knows ${icons.join(", ")}`]),
    ...(color !== undefined && colors.includes(color)
      ? []
      : [`branding.color is ${color}; it must be one of ${colors.join(", ")}`]),
  ];
}
