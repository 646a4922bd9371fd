import { runStep, upgrade } from "./index.js";
await runStep(upgrade);
