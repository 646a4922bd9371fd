import { runStep, scale } from "./index.js";
await runStep(scale);
