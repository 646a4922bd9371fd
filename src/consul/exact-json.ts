/**
 * Parses JSON. A whole number that a JavaScript number can't hold exactly becomes the text of its
 * digits: a key's flags are numbers of 64 bits, and those that Consul itself gives to locks need all
 * of them.
 *
 * @throws SyntaxError if it is not JSON
 */
export function parseExactly(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text);
  // The third parameter is newer than the declarations (TC39, JSON.parse source text access).
  const exact = (_: string, value: unknown, context: { readonly source?: string } = {}): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && isDigits(context.source)
      ? context.source
      : value;
  return JSON.parse(text, exact);
}

/** The longest numbers that are exact in any case have 15 digits. */
const longNumber = /\d{16}/;

const isDigits = (text = "") => /^\d+$/.test(text);
