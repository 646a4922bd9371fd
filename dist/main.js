import { main, runStep } from "./index.js";
await runStep(main);
