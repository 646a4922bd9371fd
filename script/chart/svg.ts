/**
 * What every chart is drawn with: elements of SVG, one palette for a light and a dark page, and the
 * steps of a scale. A few small charts need no library.
 */

/** Colors of one scheme. */
export interface Colors {
  readonly page: string;
  readonly text: string;
  /** Text that explains: axes, notes. */
  readonly note: string;
  readonly grid: string;
  /** One for each series, in this order; also distinguishable with color blindness. */
  readonly series: readonly string[];
}

export const palette: Readonly<Record<"light" | "dark", Colors>> = {
  light: {
    page: "#ffffff",
    text: "#1f2328",
    note: "#59636e",
    grid: "#d1d9e0",
    series: ["#0969da", "#bc4c00", "#8250df", "#a40e26"],
  },
  dark: {
    page: "#0d1117",
    text: "#e6edf3",
    note: "#9198a1",
    grid: "#3d444d",
    series: ["#58a6ff", "#f0883e", "#d2a8ff", "#ff7b72"],
  },
};

/** The class of what belongs to the series with this number, from 0. */
export const seriesClass = (index: number) => `s${index % palette.light.series.length}`;

export interface Picture {
  /** Begins the ids inside, which must differ among pictures on one page. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** Drawn at the top, and read aloud first. */
  readonly title: string;
  /** What the picture shows, in words, for those who do not see it. */
  readonly description: string;
  readonly elements: readonly string[];
}

/** The whole document. It paints its own page, so that it is legible wherever it is shown. */
export function svg({ id, width, height, title, description, elements }: Picture): string {
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-labelledby": `${id}-title`,
    "aria-describedby": `${id}-description`,
  };
  const lines = [
    element("title", { id: `${id}-title` }, escaped(title)),
    element("desc", { id: `${id}-description` }, escaped(description)),
    element("style", {}, style()),
    element("rect", { class: "page", width, height, rx: 6 }),
    text(16, 26, title, { class: "title" }),
    ...elements,
  ];
  return `${element("svg", attributes, `\n${lines.join("\n")}\n`)}\n`;
}

/** Shapes come after colors, which they limit: a line has no inside, a bar no edge. */
function style(): string {
  return [
    "text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;stroke-width:4;paint-order:stroke}",
    ".title{font-weight:600}",
    rules(palette.light),
    `@media(prefers-color-scheme:dark){${rules(palette.dark)}}`,
    ".line{fill:none;stroke-width:2}.spread{stroke-width:2;stroke-opacity:.45}.bar{stroke:none}",
  ].join("\n");
}

/** Text has an edge of the page's color, which keeps lines behind it apart from it. */
function rules({ page, text, note, grid, series }: Colors): string {
  return [
    `.page{fill:${page}}text{fill:${text};stroke:${page}}.note{fill:${note}}.grid{stroke:${grid}}`,
    ...series.map((color, index) => `.${seriesClass(index)}{fill:${color};stroke:${color}}`),
  ].join("");
}

type Attributes = Readonly<Record<string, string | number>>;

/** @param content - markup: text in it must be escaped already */
export function element(name: string, attributes: Attributes, content?: string): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? round(value) : escaped(value)}"`,
  );
  const begin = `<${name}${written.join("")}`;
  return content === undefined ? `${begin}/>` : `${begin}>${content}</${name}>`;
}

export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escaped(content));
}

/** A line of the grid. */
export function gridLine(x1: number, y1: number, x2: number, y2: number): string {
  return element("line", { class: "grid", x1, y1, x2, y2 });
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const round = (value: number) => Math.round(value * 10) / 10;

/** The round number (1, 2 or 5 times a power of ten) that cuts a scale into at most 8 steps. */
export function stepOf(top: number): number {
  const power = 10 ** Math.floor(Math.log10(top / 8));
  return power * ([1, 2, 5, 10].find((factor) => top / (power * factor) <= 8) ?? 10);
}

/** The steps of a scale from 0, with the label of each, such as `0.5`. */
export function ticks(top: number): { at: number; label: string }[] {
  const step = stepOf(top);
  // 1.2 / 0.2 is a little less than 6.
  const count = Math.floor(top / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, index) => ({
    at: index * step,
    label: `${round(index * step)}`,
  }));
}
