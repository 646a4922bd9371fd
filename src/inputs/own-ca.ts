/** The CA that the user gives in two files, to sign the certificates of agents. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { messageOf, type Problem } from "../errors.ts";
import type { ReadFile } from "./cluster-input.ts";
import type { CertificateAuthority } from "./cluster-spec.ts";
import { type PemBlock, pemBlocks } from "./pem.ts";
import { shown } from "./wording.ts";

/** The inputs with the paths of the two files. */
interface CaPaths {
  readonly certificate: string;
  readonly key: string;
}

/** What the two files have. */
interface OwnCa {
  /** Undefined if it can't be used. */
  readonly ca: CertificateAuthority | undefined;
  readonly problems: readonly Problem[];
  /** What no log may show, in any case. */
  readonly secrets: readonly string[];
}

/** A value, or what is wrong: the end of a sentence that names the file. */
type Found<T> = { readonly value: T } | { readonly wrong: string };

/**
 * Reads the user's CA.
 *
 * @param now - milliseconds since 1970
 * @returns the CA, or what is wrong with the files; messages quote nothing that is in them but names
 */
export function readOwnCa(paths: CaPaths, readFile: ReadFile, now = Date.now()): OwnCa {
  const certificate = blocksOf(paths.certificate, readFile);
  const key = blocksOf(paths.key, readFile);
  const chain = "wrong" in certificate ? certificate : chainIn(certificate.value, now);
  const signer = "wrong" in key ? key : signerIn(key.value);
  const problems = [
    ...refusals("ca-cert", paths.certificate, chain),
    ...refusals("ca-key", paths.key, signer),
  ];
  const ca = "value" in chain && "value" in signer ? pairOf(chain.value, signer.value) : undefined;
  if (problems.length === 0 && !ca)
    problems.push(
      refusal("ca-key", paths.key, "is not the key of the first certificate in `ca-cert`"),
    );
  const blocks = [certificate, key].flatMap((each) => ("value" in each ? each.value : []));
  const keys = [...blocks, ...(ca ? pemBlocks(ca.key) : [])].filter(isPrivateKey);
  return { ca, problems, secrets: keys.flatMap(({ lines }) => lines) };
}

function blocksOf(path: string, readFile: ReadFile): Found<PemBlock[]> {
  try {
    return { value: pemBlocks(readFile(path).toString("utf8")) };
  } catch (error) {
    const advice = "give the path of a file, relative to the workspace's root";
    return { wrong: `can't be read: ${messageOf(error)}; ${advice}` };
  }
}

const refusals = (input: string, path: string, found: Found<unknown>): Problem[] =>
  "wrong" in found ? [refusal(input, path, found.wrong)] : [];

const refusal = (input: string, path: string, wrong: string): Problem => ({
  input,
  message: `Input \`${input}\` is ${shown(path)}, which ${wrong}.`,
});

/** A CA's certificate, and those above it. */
interface Chain {
  readonly own: X509Certificate;
  /** From the CA's own up to its root's. */
  readonly path: readonly X509Certificate[];
  /** All that the file has. */
  readonly all: readonly X509Certificate[];
}

/** @param now - milliseconds since 1970 */
function chainIn(blocks: readonly PemBlock[], now: number): Found<Chain> {
  const all: X509Certificate[] = [];
  for (const { label, text } of blocks) {
    if (label !== "CERTIFICATE") continue;
    try {
      all.push(new X509Certificate(text));
    } catch {
      return { wrong: `has a certificate that can't be read, number ${all.length + 1}` };
    }
  }
  const [own] = all;
  if (!own) return { wrong: "has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)" };
  if (!own.ca)
    return {
      wrong: "does not begin with the certificate of a CA (`CA:TRUE` in its basic constraints)",
    };
  const path = [own];
  for (let last = own; !last.checkIssued(last); ) {
    const issuer = all.find((each) => !path.includes(each) && isIssuer(each, last));
    // OpenSSL, and with it most clients, trusts no chain without its root.
    if (!issuer)
      return {
        wrong: `lacks the certificate that signed ${nameOf(last)}: append those up to the root`,
      };
    path.push(issuer);
    last = issuer;
  }
  const outdated = path.find((each) => !isValid(each, now));
  return outdated
    ? {
        wrong: `has a certificate, ${nameOf(outdated)}, that is valid only from ${outdated.validFrom} to ${outdated.validTo}`,
      }
    : { value: { own, path, all } };
}

const isIssuer = (issuer: X509Certificate, of: X509Certificate) =>
  of.checkIssued(issuer) && of.verify(issuer.publicKey);

const isValid = ({ validFrom, validTo }: X509Certificate, now: number) =>
  Date.parse(validFrom) <= now && now <= Date.parse(validTo);

const nameOf = ({ subject }: X509Certificate) => shown(subject.replaceAll("\n", ", "));

/** A key that Consul can sign with. */
interface Signer {
  readonly key: KeyObject;
  readonly type: CertificateAuthority["keyType"];
  /** In PEM, in the only form that every version of Consul reads. */
  readonly pem: string;
}

/** Curves of Go's package `elliptic` that certificates use. */
const curves: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];
/** Bits. OpenSSL refuses shorter ones at its default security level. */
const minRsaBits = 2048;

function signerIn(blocks: readonly PemBlock[]): Found<Signer> {
  const block = blocks.find(isPrivateKey);
  if (!block) return { wrong: "has no private key in PEM (`-----BEGIN … PRIVATE KEY-----`)" };
  if (block.label.startsWith("ENCRYPTED") || block.text.includes("Proc-Type: 4,ENCRYPTED"))
    return {
      wrong:
        "is encrypted: give the key without a passphrase, as `openssl pkey -in <file>` prints it",
    };
  let key: KeyObject;
  try {
    key = createPrivateKey(block.text);
  } catch {
    return { wrong: "has a private key that can't be read" };
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ec" && curves.includes(details?.namedCurve ?? ""))
    return { value: { key, type, pem: String(key.export({ type: "sec1", format: "pem" })) } };
  if (type === "rsa" && (details?.modulusLength ?? 0) >= minRsaBits)
    return { value: { key, type, pem: String(key.export({ type: "pkcs1", format: "pem" })) } };
  return {
    wrong: `has a key that Consul can't sign with: it must be EC (P-256, P-384, or P-521), or RSA with at least ${minRsaBits} bits`,
  };
}

/** @returns undefined if the two don't belong together */
function pairOf(
  { own, path, all }: Chain,
  { key, type, pem }: Signer,
): CertificateAuthority | undefined {
  if (!own.checkPrivateKey(key)) return undefined;
  const together = (list: readonly X509Certificate[]) => list.map(String).join("");
  return {
    certificates: together(all),
    intermediates: together(path.slice(0, -1)),
    key: pem,
    keyType: type,
  };
}

const isPrivateKey = ({ label }: PemBlock) => label.endsWith("PRIVATE KEY");
