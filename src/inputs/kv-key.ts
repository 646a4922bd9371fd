/**
 * Why a key can't be used, or undefined if it can. One rule for every version of Consul: what
 * `/v1/kv` refuses since 1.21.5 and transactions since 2.0 (`validateKVKey` in
 * agent/kvs_endpoint.go), and what can't be read back since `/v1/kv` cleans the paths that it gets.
 */
export function keyProblem(key: string): string | undefined {
  return rules.find(({ isBroken }) => isBroken(key))?.problem;
}

interface Rule {
  readonly problem: string;
  isBroken(key: string): boolean;
}

const hasDots = (key: string) => key.split("/").some((part) => part === "." || part === "..");

const rules: readonly Rule[] = [
  { problem: "it must not be empty", isBroken: (key) => key === "" },
  { problem: "it must be valid Unicode", isBroken: (key) => !key.isWellFormed() },
  { problem: "it must not start with `/`", isBroken: (key) => key.startsWith("/") },
  {
    problem: "it must not start or end with a space",
    isBroken: (key) => key.startsWith(" ") || key.endsWith(" "),
  },
  { problem: "it must not contain `//`", isBroken: (key) => key.includes("//") },
  { problem: "it must not contain `.` or `..` as a path segment", isBroken: hasDots },
  {
    problem: "it must not contain percent-encoded dots or spaces",
    isBroken: (key) => {
      const decoded = percentDecoded(key);
      return (
        decoded !== key && (decoded.includes("..") || decoded.includes(" ") || hasDots(decoded))
      );
    },
  },
];

/** As Go's `url.PathUnescape` decodes it, but for bytes outside ASCII; not at all if it can't. */
function percentDecoded(key: string): string {
  if (/%(?![0-9a-f]{2})/i.test(key)) return key;
  return key.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
