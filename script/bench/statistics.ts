/** Statistics of several runs. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws if there are no values */
export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new Error("no values to summarize");
  return { count: sorted.length, median: middle(sorted), min, max };
}

/** The mean of the two values in the middle, which are the same one if the count is odd. */
function middle(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  const both = sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1);
  return both.reduce((sum, value) => sum + value, 0) / both.length;
}

/** Milliseconds as seconds. */
export const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(2);

/** Two cells of a Markdown table: the median, and the range, in seconds. Dashes if there are no values. */
export const cells = (summary: Summary | undefined): string =>
  summary
    ? `${seconds(summary.median)} | ${seconds(summary.min)} to ${seconds(summary.max)}`
    : "– | –";

/** Slope of the line that fits these points best (least squares). */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** Total length that these intervals cover; overlaps count once. */
export function coverage(intervals: readonly { from: number; to: number }[]): number {
  let [covered, end] = [0, Number.NEGATIVE_INFINITY];
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    covered += Math.max(to - Math.max(from, end), 0);
    end = Math.max(end, to);
  }
  return covered;
}
