/** Grants of this life and earlier ones, by artifact; on disk beside the pieces. */
import { toPropagitError } from "@propagit/protocol";
import type { Log } from "@propagit/runtime";
import type { PieceFiles } from "@propagit/swarm";
import type { Hider } from "./core/stored-desire.js";
import { decodeGrant, encodeGrant, type KnownGrant } from "./core/swarm-grant.js";

export interface GrantBookParts {
  readonly files: PieceFiles;
  readonly hider: Hider;
  readonly log: Log;
}

export class GrantBook {
  readonly #parts: GrantBookParts;
  #loaded: Promise<Map<string, KnownGrant>> | undefined;
  /** One write after the other, so that the newest is what stays. */
  #written: Promise<void> = Promise.resolve();

  constructor(parts: GrantBookParts) {
    this.#parts = parts;
  }

  async all(): Promise<readonly KnownGrant[]> {
    return [...(await this.#grants()).values()];
  }

  async of(artifact: string): Promise<KnownGrant | undefined> {
    return (await this.#grants()).get(artifact);
  }

  /** On disk when it resolves, or said in the log that it is not: it counts in this life all the same. */
  async note(known: KnownGrant): Promise<void> {
    const { artifact } = known.admission;
    (await this.#grants()).set(artifact, known);
    this.#written = this.#written.then(() => this.#write(artifact));
    await this.#written;
  }

  async forget(artifact: string): Promise<void> {
    (await this.#grants()).delete(artifact);
    await this.#written;
  }

  async #write(artifact: string): Promise<void> {
    const { files, hider, log } = this.#parts;
    const known = (await this.#grants()).get(artifact);
    if (!known) return;
    await files
      .writeNote(artifact, "grant", encodeGrant(known, hider))
      .catch((thrown: unknown) => log.warn(toPropagitError(thrown).message));
  }

  #grants(): Promise<Map<string, KnownGrant>> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  async #load(): Promise<Map<string, KnownGrant>> {
    const { files, hider, log } = this.#parts;
    const grants = new Map<string, KnownGrant>();
    try {
      for (const { artifact } of await files.list()) {
        const text = await files.readNote(artifact, "grant").catch(() => undefined);
        const known = text === undefined ? undefined : decodeGrant(text, hider);
        if (known?.admission.artifact === artifact) grants.set(artifact, known);
      }
    } catch (thrown) {
      log.warn(`artifacts of before are not known: ${toPropagitError(thrown).message}`);
    }
    return grants;
  }
}
