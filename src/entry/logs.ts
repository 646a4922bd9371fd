import { logs, runStep } from "./index.ts";

await runStep(logs);
