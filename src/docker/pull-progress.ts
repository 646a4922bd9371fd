import { counted } from "../errors.ts";

/** Milliseconds between two lines about a pull. A pull that is over sooner has none. */
const interval = 2000;

/** How far a layer is. */
type LayerState = "begun" | "retried" | "downloaded" | "unpacked";

/**
 * What the CLI says of a layer if its output is no terminal: then it leaves out how many bytes there are
 * (moby, pkg/jsonmessage). The engine's words are in moby's distribution/pull_v2.go and, with containerd's
 * image store, in daemon/containerd; podman's API has the same. The first that matches counts; any other
 * says nothing of how far a layer is.
 */
const statuses: readonly (readonly [RegExp, LayerState])[] = [
  [/^Retrying in /, "retried"],
  [/^(Download complete|Extracting)\b/, "downloaded"],
  [/^(Pull complete|Already exists)\b/, "unpacked"],
  [/^(Pulling|Waiting|Downloading|Verifying)\b/, "begun"],
];

/** A layer's ID, shortened as the engine does it, and what is said of it. */
const layerLine = /^(?<id>[0-9a-f]{12}): (?!Pulling from )(?<status>.*)$/;

/** How far a pull is, as far as the CLI's output says. */
export class PullProgress {
  readonly #layers = new Map<string, LayerState>();

  /** @returns whether the line is about a layer, or only names the image */
  take(line: string, reference: string): boolean {
    const { id, status = "" } = layerLine.exec(line)?.groups ?? {};
    if (id === undefined) return /^\S+: Pulling from /.test(line) || line.endsWith(`/${reference}`);
    const state = statuses.find(([pattern]) => pattern.test(status))?.[1];
    this.#layers.set(id, state ?? this.#layers.get(id) ?? "begun");
    return true;
  }

  /** A few words for the log: `3 of 6 layers downloaded, 1 unpacked`. */
  text(): string {
    const states = [...this.#layers.values()];
    if (states.length === 0) return "waiting for the registry";
    const unpacked = states.filter((state) => state === "unpacked").length;
    const downloaded = unpacked + states.filter((state) => state === "downloaded").length;
    const retried = states.filter((state) => state === "retried").length;
    return [
      `${downloaded} of ${counted(states.length, "layer")} downloaded`,
      ...(unpacked > 0 ? [`${unpacked} unpacked`] : []),
      ...(retried > 0 ? [`${retried} tried again`] : []),
    ].join(", ");
  }
}

/** Gets a line of the CLI's output. */
export type OnPullLine = (line: string, stream: "stdout" | "stderr") => void;

/**
 * Logs how far a pull is, one line every two seconds. What the CLI says of anything but layers is
 * passed on at once, such as the image's digest, and errors.
 *
 * @param pull - pulls, and gives each line of the CLI's output to its argument
 * @param every - milliseconds
 * @throws what the pull throws
 */
export async function withProgress(
  reference: string,
  log: (line: string) => void,
  pull: (onLine: OnPullLine) => Promise<void>,
  every = interval,
): Promise<void> {
  const progress = new PullProgress();
  let logged = "";
  const timer = setInterval(() => {
    const text = progress.text();
    log(`${reference}: ${text === logged ? "still " : ""}${text}`);
    logged = text;
  }, every);
  try {
    await pull((line, stream) => {
      if (stream === "stderr" || !progress.take(line, reference)) log(line);
    });
  } finally {
    clearInterval(timer);
  }
}
