/** npm run schema: writes the JSON Schema of cluster files, for editors. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clusterFileSchema } from "../src/inputs/cluster-file-schema.ts";
import { takesNothing } from "./command-line.ts";
import { root } from "./runner.ts";

export const schemaFile = join(root, "schema/cluster.json");

/** The schema as the file holds it. */
export function schemaText(): string {
  return `${JSON.stringify(clusterFileSchema(), null, 2)}\n`;
}

if (import.meta.main) {
  takesNothing("npm run schema", "writes schema/cluster.json, for editors of cluster files");
  writeFileSync(schemaFile, schemaText());
}
