/**
 * action-types.yml, which tells generators of typed workflows what an action.yml can't: the types of
 * inputs and outputs, in the format of typesafegithub/github-actions-typing.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import { type Action, actionFolders, readAction } from "../action.ts";
import { root } from "../runner.ts";

const enumType = z.strictObject({
  type: z.literal("enum"),
  name: z.string().optional(),
  "allowed-values": z.array(z.string()).min(1),
});
const plainType = z.strictObject({ type: z.enum(["string", "boolean", "integer", "float"]) });
const listType = z.strictObject({
  type: z.literal("list"),
  separator: z.string().min(1),
  "list-item": z.union([plainType, enumType]),
});
const anyType = z.discriminatedUnion("type", [plainType, enumType, listType]);

const schema = z.strictObject({
  inputs: z.record(z.string(), anyType).default({}),
  outputs: z.record(z.string(), anyType).default({}),
});

type AnyType = z.infer<typeof anyType>;
type ActionTypes = z.infer<typeof schema>;

/** @returns what is wrong with the types of all actions, one line each */
export function checkActionTypes(): string[] {
  return actionFolders().flatMap((folder) => {
    const file = join(folder, "action-types.yml");
    if (!existsSync(join(root, file))) return [`${file} is missing`];
    const text = readFileSync(join(root, file), "utf8");
    return typeProblems(readAction(join(root, folder)), text).map(
      (problem) => `${file}: ${problem}`,
    );
  });
}

/** @param text - of the action-types.yml */
export function typeProblems(action: Action, text: string): string[] {
  const { data: types, error } = schema.safeParse(parse(text));
  if (error) return [z.prettifyError(error).replaceAll(/\s+/g, " ")];
  return [
    ...differentNames("inputs", action, types),
    ...differentNames("outputs", action, types),
    ...Object.entries(types.inputs).flatMap(([name, type]) => {
      const input = action.inputs[name];
      return input === undefined ? [] : inputProblems(name, type, input);
    }),
  ];
}

function differentNames(what: "inputs" | "outputs", action: Action, types: ActionTypes): string[] {
  const [wanted, given] = [action[what], types[what]].map((each) => Object.keys(each).join(", "));
  return wanted === given ? [] : [`${what} are ${given}; action.yml has ${wanted}`];
}

function inputProblems(name: string, type: AnyType, input: Action["inputs"][string]): string[] {
  const { default: standard = "", description } = input;
  const wrong = (why: string) => [`input ${name} is of type ${type.type}, but ${why}`];
  // Empty stands for a default that depends on something else, or for none.
  if (standard === "" || standard.includes("${{")) return undescribed(name, type, description);
  if (type.type === "boolean" && !["true", "false"].includes(standard))
    return wrong(`its default is ${standard}`);
  if (type.type === "integer" && !/^-?\d+$/.test(standard))
    return wrong(`its default is ${standard}`);
  if (type.type === "enum" && !type["allowed-values"].includes(standard))
    return wrong(`its default, ${standard}, is not an allowed value`);
  if (type.type === "string" && ["true", "false"].includes(standard))
    return wrong(`its default is ${standard}: it must be boolean`);
  return undescribed(name, type, description);
}

/** A value that the description does not name is one that is no longer there, or a misspelled one. */
function undescribed(name: string, type: AnyType, description: string): string[] {
  if (type.type !== "enum") return [];
  const words = description.split(/[^\w-]+/);
  return type["allowed-values"]
    .filter((value) => !words.includes(value))
    .map((value) => `input ${name} allows ${value}, which its description does not name`);
}
