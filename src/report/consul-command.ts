import { binaryRunArguments } from "../plan/container-arguments.ts";
import type { ClusterPlan } from "../plan/plan.ts";

/**
 * The `consul` command for later steps: a script for any POSIX shell. The first call copies the
 * program from the image to the script's folder; every call executes that copy. If the program does
 * not run on this machine because it is for another system or CPU, the first server's container
 * runs it instead.
 *
 * The image reference, labels, and names are quoted, so that the shell does not interpret them.
 */
export function cliScript(plan: ClusterPlan): string {
  const [first] = plan.agents;
  if (!first) throw new Error("a cluster has at least one server");
  const image = plan.prerequisites.image.reference;
  return `#!/bin/sh
set -eu
program=\${0%/*}/../consul

# In a job container this is root, and the runner, which removes the files in the end, is not.
give() {
  chown "$(stat -c %u:%g "\${0%/*}")" "$1" 2>/dev/null || :
}

if ! [ -e "$program" ] && ! [ -e "$program.foreign" ]; then
  # Under a temporary name until it is complete: several steps may get here at once.
  new=$program.$$
  trap 'rm -f "$new"' EXIT
  docker run ${binaryRunArguments(plan).map(quoted).join(" ")} >"$new" || {
    echo "consul: can't copy the program from the image "${quoted(image)} >&2
    exit 1
  }
  chmod 755 "$new"
  give "$new"
  if "$new" version >/dev/null 2>&1; then
    mv -f "$new" "$program"
  else
    : >"$program.foreign"
    give "$program.foreign"
    rm -f "$new"
    echo "consul: the program of "${quoted(image)}" does not run on this machine, so every command runs in the container "${quoted(first.container)}". It has no access to this machine's files there: pass them on standard input." >&2
  fi
fi
if [ -e "$program" ]; then exec "$program" "$@"; fi

exec docker exec --interactive \\
  \${CONSUL_HTTP_TOKEN+--env=CONSUL_HTTP_TOKEN} \\
  \${CONSUL_NAMESPACE+--env=CONSUL_NAMESPACE} \\
  \${CONSUL_PARTITION+--env=CONSUL_PARTITION} \\
  ${quoted(first.container)} consul "$@"
`;
}

/** A word in quotes, which a POSIX shell passes on unchanged. */
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
