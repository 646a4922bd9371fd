import type { Docker } from "../docker/docker.ts";
import type { CertificateAuthority } from "../inputs/cluster-spec.ts";
import { type KeyRequest, keyMakerArguments } from "../plan/container-arguments.ts";
import type { Signer } from "../plan/security-files.ts";

/** What an image's own tools made, and what they say of the image: texts by name. */
export type Keys = ReadonlyMap<string, string>;

/** What is made in two parts, so that servers need not wait for what only clients need. */
export interface InTwoParts<T> {
  /** All but the clients' certificates. */
  readonly ofServers: Promise<T>;
  readonly ofAll: Promise<T>;
}

/** Whose tools make keys, and when. */
interface Maker {
  readonly docker: Docker;
  /** Until then, making what clients need would only delay the servers, and so would the container's end. */
  readonly serversRun: Promise<void>;
}

/**
 * Has the image's own tools make certificates, so that they fit its version of Consul, and say which
 * version and which user that is. One container without a network makes them in memory and prints them,
 * and no log keeps its output: no private key is written to the runner's disk. A CA of the user's signs
 * in the same place.
 *
 * @param signer - what signs; undefined for a new CA
 * @returns promises that reject with a DockerError if the image can't do it
 */
export function makeKeys(
  { docker, serversRun }: Maker,
  request: KeyRequest,
  signer: CertificateAuthority | Signer | undefined,
): InTwoParts<Keys> {
  const ofServers = Promise.withResolvers<Keys>();
  const lines: string[] = [];
  const onLine = (line: string, stream: "stdout" | "stderr") => {
    if (stream === "stderr") return;
    if (line === serversDone) ofServers.resolve(parseSections(lines));
    lines.push(line);
  };
  const ofAll = docker
    .runToEnd(keyMakerArguments(request, script), {
      input: textOf(signer),
      // A line, and not only the end of the input: not every proxy in front of an engine passes that on.
      laterInput: serversRun.then(() => "\n"),
      onLine,
    })
    .then(() => parseSections(lines));
  ofAll.then(ofServers.resolve, ofServers.reject);
  return { ofServers: ofServers.promise, ofAll };
}

/** The script prints it once it has printed all that servers need. */
const serversDone = "@ clients";

/** A CA as the script reads it from standard input: arguments could be seen by others. */
function textOf(signer: CertificateAuthority | Signer | undefined): string {
  if (!signer?.key) return "@\n@\n";
  const certificates = "certificates" in signer ? signer.certificates : signer.certificate;
  return `${signer.key.trimEnd()}\n@\n${certificates.trimEnd()}\n@\n`;
}

/**
 * Runs in the container. Its arguments: whether to make certificates, also for callers if it is `mutual`;
 * then role, node, container and datacenter of every agent. Its input: the CA's key, a line with `@`, the
 * CA's certificate, and another such line, both empty for a new CA; what clients need is made once another
 * line comes, or the input ends. Names of the files that `consul tls` makes changed between versions, hence the patterns; and up to
 * 1.4.4 it knows no address but 127.0.0.1, which is all that is needed. An entrypoint that does not start as
 * root can't change the user.
 *
 * Most of the time that `consul` takes is its own start, on one core, so several run at once.
 */
const script = `
set -eu
section() { printf '@ %s\\n' "$1"; }
failure() { section failure; cat -- "$1"; exit 0; }
version() { wait "$version"; section version; cat version; }
part_of_input() { while IFS= read -r line && [ "$line" != @ ]; do printf '%s\\n' "$line"; done; }
servers_done() { section clients; read -r line || :; }
certify() {
  mkdir "$1"
  cd "$1"
  shift
  consul tls cert create "$@" -ca=../ca.pem -key=../ca.key >said 2>&1 || mv said failed
}
certify_all() {
  role=$1
  running=0
  shift
  while [ $# -gt 0 ]; do
    if [ "$1" = "$role" ]; then
      certify "$2" "-$1" "-dc=$4" "-additional-dnsname=$2" "-additional-dnsname=$3" &
      running=$((running + 1))
    fi
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
show_all() {
  role=$1
  shift
  while [ $# -gt 0 ]; do
    [ "$1" != "$role" ] || show "$2"
    shift 4
  done
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
part_of_input >ca.key
part_of_input >ca.pem
if [ "$tls" = false ]; then
  version
  servers_done
  exit 0
fi
if [ -s ca.key ]; then
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
[ "$tls" != mutual ] || certify 'the job' -cli "-dc=$4" &
certify_all server "$@"
[ "$tls" != mutual ] || show 'the job'
show_all server "$@"
servers_done
certify_all client "$@"
show_all client "$@"
`;

/** Texts under lines that begin with `@ `, as the script writes them. */
function parseSections(lines: readonly string[]): Keys {
  const sections = new Map<string, string>();
  let name: string | undefined;
  for (const line of lines) {
    if (line.startsWith("@ ")) {
      name = line.slice(2);
      sections.set(name, "");
    } else if (name !== undefined) sections.set(name, `${sections.get(name)}${line}\n`);
  }
  return sections;
}
