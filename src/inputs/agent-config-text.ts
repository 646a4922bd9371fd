/** Agent configuration as the user writes it: HCL or JSON. Takes time linear in the text. */

/**
 * The tokens of HCL and JSON that matter here. Each alternative also matches if its end is missing,
 * so that no part of the text is read twice.
 */
const tokenPattern = new RegExp(
  [
    /(?:#|\/\/).*|\/\*(?:[\s\S]*?\*\/|[\s\S]*)/,
    /<<-?(?<mark>\w+)\r?\n(?<heredoc>[\s\S]*?)(?:\n[ \t]*\k<mark>\b|$(?![\s\S]))/,
    /"(?<string>(?:[^"\\]+|\\[\s\S])*)"?/,
    /(?<word>[\w.-]+)/,
    /(?<sign>[{}[\]=:,])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/** One token, which has exactly one of sign, string, and word. */
interface Token {
  /** Characters from the text's start. */
  readonly offset: number;
  /** One of `{}[]=:,`. */
  readonly sign?: string | undefined;
  /** A string in quotes or a heredoc, unescaped. */
  readonly string?: string | undefined;
  /** A name, a number, or a switch. */
  readonly word?: string | undefined;
}

/**
 * The tokens of a text of HCL or JSON, which need not be valid. Comments are left out.
 *
 * @param text - one or more fragments of agent configuration
 */
export function* tokenize(text: string): Generator<Token> {
  for (const { index, groups = {} } of text.matchAll(tokenPattern)) {
    const { sign, word } = groups;
    const quoted = groups.heredoc ?? groups.string;
    const string = quoted === undefined ? undefined : unescaped(quoted);
    if ((sign ?? string ?? word) !== undefined) yield { offset: index, sign, string, word };
  }
}

/** What a string in HCL or JSON stands for. */
function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

/** One value in agent configuration. */
export interface Setting {
  /** The keys that lead to it, as they are written. Lists add nothing; the fifth and later are left out. */
  readonly path: readonly string[];
  /** A string without its quotes, or a number or a switch as it is written. */
  readonly value: string;
  /** Where the last key is, in characters from the text's start. */
  readonly offset: number;
}

/** Keys of a path that are kept. All of them would take quadratic time if there are many. */
const maxKeys = 4;

/**
 * Every value in a text of HCL or JSON, which need not be valid. An item of a list counts as a value
 * of the list's key: Consul treats a list of one item as that item. A `null` sets nothing.
 *
 * @param text - one fragment of agent configuration
 */
export function settingsIn(text: string): Setting[] {
  const settings: Setting[] = [];
  const top = { path: [] as readonly string[], offset: 0, isList: false };
  const blocks = [top];
  let keys: string[] = [];
  let offset: number | undefined;
  let isValue = false;
  for (const token of tokenize(text)) {
    const { sign, string, word } = token;
    const block = blocks.at(-1) ?? top;
    const here = () => ({
      path: [...block.path, ...keys].slice(0, maxKeys),
      offset: offset ?? block.offset,
    });
    if (sign === "=" || sign === ":") {
      isValue = true;
      continue;
    }
    const text = string ?? word;
    if (text !== undefined && !isValue && !block.isList) {
      if (keys.length < maxKeys) keys.push(text);
      offset = token.offset;
      continue;
    }
    if (sign === "{" || sign === "[") blocks.push({ ...here(), isList: sign === "[" });
    else if (sign === "}" || sign === "]") blocks.pop();
    else if (text !== undefined && word !== "null") settings.push({ ...here(), value: text });
    keys = [];
    offset = undefined;
    isValue = false;
  }
  return settings;
}
