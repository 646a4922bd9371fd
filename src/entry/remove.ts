import { remove, runStep } from "./index.ts";

await runStep(remove);
