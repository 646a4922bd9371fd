import type { Docker } from "../docker/docker.ts";
import type { CertificateAuthority } from "../inputs/cluster-spec.ts";
import { type KeyRequest, keyMakerArguments } from "../plan/container-arguments.ts";
import type { Signer } from "../plan/security-files.ts";

/** What an image's own tools made, and what they say of the image: texts by name. */
export type Keys = ReadonlyMap<string, string>;

/**
 * Has the image's own tools make certificates, so that they fit its version of Consul, and say which
 * version and which user that is. One container without a network makes them in memory and prints them,
 * and no log keeps its output: no private key is written to the runner's disk. A CA of the user's signs
 * in the same place.
 *
 * @param signer - what signs; undefined for a new CA
 * @throws DockerError if the image can't do it
 */
export async function makeKeys(
  docker: Docker,
  request: KeyRequest,
  signer: CertificateAuthority | Signer | undefined,
): Promise<Keys> {
  return parseSections(await docker.runToEnd(keyMakerArguments(request, script), textOf(signer)));
}

/** A CA as the script reads it from standard input: arguments could be seen by others. */
function textOf(signer: CertificateAuthority | Signer | undefined): string {
  if (!signer?.key) return "";
  const certificates = "certificates" in signer ? signer.certificates : signer.certificate;
  return `${signer.key.trimEnd()}\n@\n${certificates}`;
}

/**
 * Runs in the container. Its arguments: whether to make certificates, also for callers if it is `mutual`;
 * then role, node, container and datacenter of every agent. Its input: the CA's key, a line with `@`, and
 * the CA's certificate, or nothing for a new CA. Names of the files that `consul tls` makes changed between
 * versions, hence the patterns; and up to 1.4.4 it knows no address but 127.0.0.1, which is all
 * that is needed. An entrypoint that does not start as root can't change the user.
 *
 * Most of the time that `consul` takes is its own start, on one core, so several run at once.
 */
const script = `
set -eu
section() { printf '@ %s\\n' "$1"; }
failure() { section failure; cat -- "$1"; exit 0; }
version() { wait "$version"; section version; cat version; }
certify() {
  mkdir "$1"
  cd "$1"
  shift
  consul tls cert create "$@" -ca=../ca.pem -key=../ca.key >said 2>&1 || mv said failed
}
certify_all() {
  [ "$tls" != mutual ] || certify 'the job' -cli "-dc=$4" &
  running=1
  while [ $# -gt 0 ]; do
    certify "$2" "-$1" "-dc=$4" "-additional-dnsname=$2" "-additional-dnsname=$3" &
    running=$((running + 1))
    if [ "$running" = 4 ]; then
      wait
      running=0
    fi
    shift 4
  done
  wait
}
show() {
  cd "$1"
  ! [ -e failed ] || failure failed
  section "key of $1"
  cat -- *-key.pem
  rm -- *-key.pem
  section "certificate of $1"
  cat -- *.pem
  cd ..
}
tls=$1
shift
consul version >version &
version=$!
user=
[ "$(id -u)" != 0 ] || user=consul
section uid
id -u $user 2>/dev/null || id -u
section gid
id -g $user 2>/dev/null || id -g
if [ "$tls" = false ]; then
  version
  exit 0
fi
file=ca.key
while IFS= read -r line; do
  if [ "$line" = @ ]; then file=ca.pem; else printf '%s\\n' "$line" >>"$file"; fi
done
if [ -e ca.key ]; then
  version
else
  mkdir ca
  cd ca
  consul tls ca create >said 2>&1 || mv said failed
  cd ..
  version
  ! [ -e ca/failed ] || failure ca/failed
  mv -- ca/*-key.pem ca.key
  mv -- ca/*.pem ca.pem
  section 'key of the CA'
  cat ca.key
fi
section CA
cat ca.pem
certify_all "$@"
[ "$tls" != mutual ] || show 'the job'
while [ $# -gt 0 ]; do
  show "$2"
  shift 4
done
`;

/** Texts under lines that begin with `@ `, as the script writes them. */
function parseSections(text: string): Keys {
  const [, ...sections] = `\n${text}`.split("\n@ ");
  return new Map(
    sections.map((section): [string, string] => {
      const end = section.indexOf("\n");
      return end < 0 ? [section, ""] : [section.slice(0, end), `${section.slice(end + 1)}\n`];
    }),
  );
}
