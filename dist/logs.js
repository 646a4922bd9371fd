import { logs, runStep } from "./index.js";
await runStep(logs);
