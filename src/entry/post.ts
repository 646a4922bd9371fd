import { post, runStep } from "./index.ts";

await runStep(post);
