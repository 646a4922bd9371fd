/** npm run charts: draws every chart in docs again, from the figures that were measured last. */
import { drawCharts } from "./chart/figures.ts";
import { takesNothing } from "./command-line.ts";

takesNothing("npm run charts", "draws every chart in docs again, from script/chart/figures.json");
console.log(`Written: ${drawCharts().join(", ")}`);
