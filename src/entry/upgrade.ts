import { upgrade } from "./index.ts";

await upgrade();
