import { upgrade } from "./index.js";
await upgrade();
