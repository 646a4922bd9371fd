import { remove, runStep } from "./index.js";
await runStep(remove);
