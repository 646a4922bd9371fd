import { runStep, wait } from "./index.ts";

await runStep(wait);
