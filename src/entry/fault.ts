import { fault, runStep } from "./index.ts";

await runStep(fault);
