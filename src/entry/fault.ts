import { fault } from "./index.ts";

await fault();
