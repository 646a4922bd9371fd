import { fault } from "./index.js";
await fault();
