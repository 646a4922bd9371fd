import { fault, runStep } from "./index.js";
await runStep(fault);
