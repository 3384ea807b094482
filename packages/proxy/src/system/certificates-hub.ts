/**
 * Certificates of the hub, as far as this proxy knows them: followed while it is connected, and kept for its
 * next life, hidden under a key that only whoever knows the cluster's secret can make.
 */
import {
  check,
  certificateUpdateSchema,
  parseJson,
  toPropagitError,
  type CertificateUpdate,
  type Challenge,
} from "@propagit/protocol";
import type { Conversation, World } from "@propagit/runtime";

export type HubCertificate = CertificateUpdate["certificates"][number];

export interface HubCertificatesOptions {
  /** Where they are kept; undefined when they cannot be hidden. */
  readonly path: string;
  /** The stretched secret; empty when there is none, and then nothing is kept. */
  readonly clusterKey: string;
  /** Whether this proxy speaks TLS, and so needs keys. */
  readonly hasTls: boolean;
  /** Resolves when all that serve go by it. */
  readonly changed: () => Promise<void>;
}

export class HubCertificates {
  readonly #world: Pick<World, "crypto" | "disk" | "log">;
  readonly #options: HubCertificatesOptions;
  #certificates = new Map<string, HubCertificate>();
  #challenges: readonly Challenge[] = [];
  #ticketKeys: string | undefined;
  /** What has come of an update that is not whole yet. */
  #pieces: CertificateUpdate[] = [];
  #saving: Promise<void> = Promise.resolve();

  constructor(world: Pick<World, "crypto" | "disk" | "log">, options: HubCertificatesOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** With keys in clear. */
  get certificates(): readonly HubCertificate[] {
    return [...this.#certificates.values()];
  }

  get challenges(): readonly Challenge[] {
    return this.#challenges;
  }

  get ticketKeys(): string | undefined {
    return this.#ticketKeys;
  }

  /** Takes up those of an earlier life. */
  async load(): Promise<void> {
    const { path, hasTls } = this.#options;
    const content = hasTls ? await this.#world.disk.read(path) : undefined;
    if (content === undefined) return;
    const clear = this.#world.crypto.decrypt(this.#restKey, content.trim());
    const saved = check(certificateUpdateSchema, parseJson(clear ?? ""));
    if (clear === undefined || !saved.ok) {
      this.#world.log.warn(`the saved certificates ${path} are not used: they cannot be read`);
      return;
    }
    for (const one of saved.value.certificates) this.#certificates.set(one.id, one);
  }

  /** To be called after each connect. */
  follow(hub: Conversation): void {
    this.#pieces = [];
    const { hasTls: keys } = this.#options;
    const onPart = (update: CertificateUpdate) => this.#take(hub, update);
    hub.call("hub.certificate-book", { keys }, { limitMs: 0, onPart }).catch((thrown: unknown) => {
      if (!hub.isOpen) return;
      const { code, message } = toPropagitError(thrown);
      // A hub of a former version, which matters only to those who need some.
      if (code === "BAD_FRAME" && !keys) return;
      this.#world.log.warn(`the hub gives no certificates: ${message}`);
    });
  }

  /** Resolves when what was to be kept is. */
  async stop(): Promise<void> {
    await this.#saving;
  }

  #take(hub: Conversation, update: CertificateUpdate): void {
    this.#pieces.push(update);
    if (update.more) return;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (pieces.some(({ whole }) => whole)) this.#certificates = new Map();
    for (const { certificates, dropped } of pieces) {
      for (const one of certificates) this.#put(hub, one);
      for (const id of dropped) this.#certificates.delete(id);
    }
    this.#challenges = update.challenges.map(({ key, ...challenge }) => {
      const clear = key === undefined ? undefined : this.#open(hub, key);
      return { ...challenge, ...(clear !== undefined && { key: clear }) };
    });
    const tickets = update.ticketKeys;
    this.#ticketKeys = tickets === undefined ? undefined : this.#open(hub, tickets);
    this.#saving = this.#saving.then(() => this.#save());
    void this.#confirm(hub, update.revision);
  }

  async #confirm(hub: Conversation, revision: number): Promise<void> {
    await this.#options.changed();
    hub.tell("hub.certificate-book-taken", { revision });
  }

  #put(hub: Conversation, certificate: HubCertificate): void {
    const key = this.#open(hub, certificate.key);
    if (key !== undefined) this.#certificates.set(certificate.id, { ...certificate, key });
  }

  #open(hub: Conversation, hidden: string): string | undefined {
    const clear = this.#world.crypto.decrypt(hub.peer?.sessionKey ?? "", hidden);
    if (clear === undefined) this.#world.log.warn("the hub hid a key in a way that is not known");
    return clear;
  }

  async #save(): Promise<void> {
    const { path, clusterKey, hasTls } = this.#options;
    if (!hasTls || clusterKey === "") return;
    const saved: CertificateUpdate = {
      revision: 0,
      whole: true,
      certificates: this.certificates.slice(),
      dropped: [],
      challenges: [],
    };
    const hidden = this.#world.crypto.encrypt(this.#restKey, JSON.stringify(saved));
    try {
      await this.#world.disk.writeAtomic(path, `${hidden}\n`, { mode: 0o600 });
    } catch (thrown) {
      const { message } = toPropagitError(thrown);
      this.#world.log.warn(`certificates are not saved: ${message}; serves on`);
    }
  }

  /** A key of its own, so that none serves two purposes. */
  get #restKey(): string {
    return this.#world.crypto.mac(this.#options.clusterKey, "certificates of a proxy at rest 1");
  }
}
