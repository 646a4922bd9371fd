/**
 * A page of the docs with one part replaced: what lies between two markers, which stay.
 *
 * @param markers - the lines before and after the part
 * @param part - with the line breaks around it
 */
export function withPart(
  page: string,
  [begin, end]: readonly [string, string],
  part: string,
): string {
  return [...aroundPart(page, [begin, end])].join(`${begin}${part}${end}`);
}

/** What lies between two markers of a page. */
export function partOf(page: string, [begin, end]: readonly [string, string]): string {
  const [before, after] = aroundPart(page, [begin, end]);
  return page.slice(before.length + begin.length, page.length - after.length - end.length);
}

function aroundPart(page: string, [begin, end]: readonly [string, string]) {
  const [before, rest = ""] = page.split(begin);
  const [, after] = rest.split(end);
  if (before === undefined || after === undefined)
    throw new Error(`the page has no ${begin} or ${end}`);
  return [before, after] as const;
}
