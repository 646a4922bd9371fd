import { main, runStep } from "./index.ts";

await runStep(main);
