/** npm run charts: redraws every chart in docs from the latest figures. */
import { drawCharts } from "./chart/figures.ts";
import { takesNothing } from "./command-line.ts";

takesNothing("npm run charts", "redraws every chart in docs from script/chart/figures.json");
console.log(`Written: ${drawCharts().join(", ")}`);
