/** The part of the report of Vitest's reporter `json` that the scripts here read. */
import * as z from "zod";

const fileSchema = z.object({
  /** The path of the test file. */
  name: z.string(),
  status: z.string(),
  /** Why the file failed as a whole, in a hook or while it was loaded. */
  message: z.string(),
  assertionResults: z.array(
    z.object({
      fullName: z.string(),
      status: z.string(),
      /** `needs`: of a test that did not run, what it needs. */
      meta: z.object({ needs: z.string().optional() }),
    }),
  ),
});

export const reportSchema = z.object({ testResults: z.array(fileSchema) });

export type FileReport = z.output<typeof fileSchema>;
