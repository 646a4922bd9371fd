import { post, runStep } from "./index.js";
await runStep(post);
