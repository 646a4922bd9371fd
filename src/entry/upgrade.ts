import { runStep, upgrade } from "./index.ts";

await runStep(upgrade);
