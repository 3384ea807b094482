/** What `evil-peer.ts` is told. */
import type { Address } from "@propagit/protocol";

export type Badness = "garbage" | "lies" | "stalls" | "drips" | "babbles";

export interface EvilOptions {
  readonly badness: Badness;
  readonly hub: Address;
  readonly secret: string;
  readonly name: string;
  /** Where others reach it. */
  readonly host: string;
  readonly repo: string;
  readonly commit: string;
}
