/**
 * Everything that this proxy shows to those who speak TLS: certificates of files and of the hub, challenges,
 * ticket keys.
 *
 *     files ──changed──┐
 *                      ├──> CertificateState ──> engines, here or in workers ──> the hub is told
 *     hub ───update────┘
 *
 * A file on this machine wins over the hub, and what somebody gave the hub over what an authority gave it.
 */
import type { TlsCertificate, TlsMaterial } from "@propagit/http";
import type { Conversation, Timer, World } from "@propagit/runtime";
import type { ChallengeAnswers } from "./certificates-challenge.js";
import {
  CertificateFiles,
  type CertificateFilesOptions,
  type FileCertificate,
} from "./certificates-files.js";
import { HubCertificates, type HubCertificate } from "./certificates-hub.js";

/** Plain data: a worker gets a copy of it. */
export interface CertificateState {
  readonly material: TlsMaterial;
  readonly answers: ChallengeAnswers;
}

export interface CertificatesOptions {
  readonly files?: CertificateFilesOptions;
  readonly dataFolder: string;
  /** The stretched secret; empty when there is none. */
  readonly clusterKey: string;
  /** Whether this proxy speaks TLS at all. Without, it only answers challenges by HTTP. */
  readonly hasTls: boolean;
}

/** Resolves when all that serve go by it. */
type Apply = (state: CertificateState) => Promise<void>;

/** Of a proxy without a hub that gives them; see `Certificates` of the hub. */
const ticketsMs = 12 * 3_600_000;

export class Certificates {
  readonly #world: World;
  readonly #options: CertificatesOptions;
  readonly #files: CertificateFiles | undefined;
  readonly #hub: HubCertificates;
  #apply: Apply = () => Promise.resolve();
  #ownTicketKeys: string;
  #timer: Timer | undefined;

  constructor(world: World, options: CertificatesOptions) {
    const { files, dataFolder, clusterKey, hasTls } = options;
    this.#world = world;
    this.#options = options;
    this.#files = files && new CertificateFiles(world, files, () => this.#change());
    this.#hub = new HubCertificates(world, {
      path: `${dataFolder}/certificates`,
      clusterKey,
      hasTls,
      changed: () => this.#apply(this.state),
    });
    this.#ownTicketKeys = world.random.hex(96);
  }

  /** @throws BAD_CERTIFICATE for a file that was named */
  async load(): Promise<void> {
    await this.#files?.load();
    await this.#hub.load();
    if (this.#options.hasTls) this.#changeTickets();
  }

  /** @param apply called with each change from now on */
  onChange(apply: Apply): void {
    this.#apply = apply;
  }

  /** To be called after each connect to the hub. */
  follow(hub: Conversation): void {
    this.#hub.follow(hub);
  }

  get state(): CertificateState {
    const files = this.#files?.certificates ?? [];
    const fallback = files.find(({ isFallback }) => isFallback);
    const { challenges } = this.#hub;
    const answers = challenges.map(({ token, keyAuthorization }) => [token, keyAuthorization]);
    return {
      material: {
        certificates: [...files.map(tlsOf), ...inOrder(this.#hub.certificates).map(tlsOf)],
        challenges: challenges.flatMap(({ host, certificate, key }) =>
          certificate === undefined || key === undefined
            ? []
            : [{ names: [host], certificate, key }],
        ),
        ticketKeys: this.#hub.ticketKeys ?? this.#ownTicketKeys,
        ...(fallback && { fallback: tlsOf(fallback) }),
      },
      answers: Object.fromEntries(answers) as ChallengeAnswers,
    };
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#files?.stop();
    await this.#hub.stop();
  }

  #change(): void {
    void this.#apply(this.state);
  }

  #changeTickets(): void {
    this.#timer = this.#world.clock.after(ticketsMs, () => {
      this.#ownTicketKeys = this.#world.random.hex(96);
      if (this.#hub.ticketKeys === undefined) this.#change();
      this.#changeTickets();
    });
  }
}

/** Those that somebody gave before those of an authority; of the same kind the one that is good for longest. */
function inOrder(certificates: readonly HubCertificate[]): readonly HubCertificate[] {
  const rank = ({ source }: HubCertificate) => (source === "file" ? 0 : 1);
  return [...certificates].sort(
    (left, right) => rank(left) - rank(right) || right.notAfter - left.notAfter,
  );
}

function tlsOf({ names, certificate, key }: FileCertificate | HubCertificate): TlsCertificate {
  return { names, certificate, key };
}
