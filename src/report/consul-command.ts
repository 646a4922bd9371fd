import { binaryRunArguments } from "../plan/container-arguments.ts";
import type { ClusterPlan } from "../plan/plan.ts";

/**
 * The `consul` command of later steps: a script for any POSIX shell. Its first call takes the
 * program out of the image and puts it beside itself; from then on it becomes that program. A
 * program that does not run on this machine, since it is for another system or processor, is run
 * by the first server instead.
 *
 * Image reference, labels and names in it are quoted, so that the shell takes none of them for more.
 */
export function cliScript(plan: ClusterPlan): string {
  const [first] = plan.agents;
  if (!first) throw new Error("a cluster has at least one server");
  const image = plan.prerequisites.image.reference;
  return `#!/bin/sh
set -eu
program=\${0%/*}/../consul

if ! [ -e "$program" ] && ! [ -e "$program.foreign" ]; then
  # Under a name of its own until it is whole: several steps may get here at once.
  new=$program.$$
  trap 'rm -f "$new"' EXIT
  docker run ${binaryRunArguments(plan).map(quoted).join(" ")} >"$new" || {
    echo "consul: the program can't be taken out of the image "${quoted(image)} >&2
    exit 1
  }
  chmod 755 "$new"
  if "$new" version >/dev/null 2>&1; then
    mv -f "$new" "$program"
  else
    : >"$program.foreign"
    rm -f "$new"
    echo "consul: the program of "${quoted(image)}" does not run on this machine, so it runs in the container "${quoted(first.container)}". It can't see files of this machine there: give them by standard input." >&2
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

/** A word that a POSIX shell takes as it is. */
const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
