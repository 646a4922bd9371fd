/** npm run schema: writes the JSON Schema of cluster files, and its entry for SchemaStore's catalog. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clusterFileSchema } from "../src/inputs/cluster-file-schema.ts";
import { takesNothing } from "./command-line.ts";
import { repository } from "./repository.ts";
import { root } from "./runner.ts";

export const schemaFile = join(root, "schema/cluster.json");
export const catalogFile = join(root, "schema/schemastore.json");

/** Where `v1` has the schema. */
const schemaUrl = () => `https://raw.githubusercontent.com/${repository()}/v1/schema/cluster.json`;

/** The schema as the file holds it. */
export function schemaText(): string {
  const { $schema, ...schema } = clusterFileSchema();
  const all = { $schema, $id: schemaUrl(), title: "Consul cluster file", ...schema };
  return `${JSON.stringify(all, null, 2)}\n`;
}

/**
 * The entry for src/api/json/catalog.json of SchemaStore, which gives editors the schema of a file by
 * its name.
 */
export function catalogText(): string {
  const entry = {
    name: "Consul cluster file",
    description: "Cluster file of the GitHub Action consul-cluster-action",
    fileMatch: ["consul-cluster.yml", "consul-cluster.yaml"],
    url: schemaUrl(),
  };
  return `${JSON.stringify(entry, null, 2)}\n`;
}

if (import.meta.main) {
  takesNothing("npm run schema", "writes schema/*.json, for editors of cluster files");
  writeFileSync(schemaFile, schemaText());
  writeFileSync(catalogFile, catalogText());
}
