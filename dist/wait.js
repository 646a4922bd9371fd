import { runStep, wait } from "./index.js";
await runStep(wait);
