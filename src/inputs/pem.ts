/** A part of a PEM file, between its marks (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY`. */
  readonly label: string;
  /** With its marks. If the end mark is missing, as much as there may be of a key. */
  readonly text: string;
  /** The lines between the marks that are not empty. */
  readonly lines: readonly string[];
}

/** More than any file of certificates and keys has. */
const maxBlocks = 100;
/** Characters of a block without an end. */
const maxOpenBlock = 16_000;

const beginPattern = /-----BEGIN (?<label>[A-Z0-9 ]{1,40})-----/g;

/** The first blocks of a text, which may have anything else between them. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let done = 0;
  for (const { 0: mark, index, groups } of text.matchAll(beginPattern)) {
    if (index < done) continue;
    if (blocks.length === maxBlocks) break;
    const label = groups?.label ?? "";
    const end = `-----END ${label}-----`;
    const found = text.indexOf(end, index);
    const from = index + mark.length;
    const to = found < 0 ? from + maxOpenBlock : found;
    done = found < 0 ? from : found + end.length;
    const lines = text
      .slice(from, to)
      .split(/\r?\n/)
      .map((line) => line.trim());
    const whole = `${text.slice(index, found < 0 ? to : done)}\n`;
    blocks.push({ label, text: whole, lines: lines.filter((line) => line !== "") });
  }
  return blocks;
}
