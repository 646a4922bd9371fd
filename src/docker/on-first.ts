import type { EngineFacts, LocalImage } from "./answers.ts";
import type { Engine } from "./engine.ts";
import type { Image } from "./image-reference.ts";

/** What of several engines goes to the first, which is the job's own. */
export class OnFirst {
  readonly #first: Engine;

  constructor(first: Engine) {
    this.#first = first;
  }

  /** One engine by its docker context. */
  on(dockerContext: string): Engine {
    return this.#first.on(dockerContext);
  }

  endpoint(): Promise<string> {
    return this.#first.endpoint();
  }

  cliVersion(): Promise<string> {
    return this.#first.cliVersion();
  }

  engineFacts(): Promise<EngineFacts> {
    return this.#first.engineFacts();
  }

  namesOwners(): Promise<boolean> {
    return this.#first.namesOwners();
  }

  imagePlatform(reference: string): Promise<string> {
    return this.#first.imagePlatform(reference);
  }

  image(reference: string): Promise<Image | undefined> {
    return this.#first.image(reference);
  }

  pull(reference: string, log: (line: string) => void): Promise<void> {
    return this.#first.pull(reference, log);
  }

  imageDefaults(reference: string): Promise<LocalImage> {
    return this.#first.imageDefaults(reference);
  }

  runToEnd(...args: Parameters<Engine["runToEnd"]>): Promise<string> {
    return this.#first.runToEnd(...args);
  }

  publications(): Promise<{ name: string; ports: string }[]> {
    return this.#first.publications();
  }

  createVolume(args: readonly string[]): Promise<void> {
    return this.#first.createVolume(args);
  }

  saveImage(reference: string): Promise<Uint8Array> {
    return this.#first.saveImage(reference);
  }
}
