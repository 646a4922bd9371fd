import { runStep, scale } from "./index.ts";

await runStep(scale);
