/**
 * Part of npm run check: what must agree with each other, with the code, and with rules of others. Each
 * check says in its file what it compares.
 */
import { checkActionTypes } from "./check/action-types.ts";
import { checkActions } from "./check/actions.ts";
import { checkDocuments } from "./check/documents.ts";
import { checkGenerated } from "./check/generated.ts";
import { checkLicenses } from "./check/licenses.ts";
import { checkMarketplace } from "./check/marketplace.ts";
import { checkMessages } from "./check/messages.ts";
import { checkSnippets } from "./check/snippets.ts";
import { checkTools } from "./check/tools.ts";
import { takesNothing } from "./command-line.ts";
import { unmarkedExamples } from "./examples/list.ts";

takesNothing("npm run check", "checks types, style, and that dist and docs agree with the code");
// They are programs of their own, so they run beside the rest.
const tools = checkTools();
const problems = [
  checkGenerated(),
  checkActions(),
  checkActionTypes(),
  checkMarketplace(),
  checkDocuments(),
  checkMessages(),
  checkSnippets(),
  unmarkedExamples(),
  checkLicenses(),
  await tools,
].flat();
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
