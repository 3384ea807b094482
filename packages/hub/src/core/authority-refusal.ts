/** Why nothing came of asking an authority, and when it may be asked again. */
import { PropagitError } from "@propagit/protocol";

export interface RefusalDetails {
  /** As the authority wishes. */
  readonly retryAfterMs?: number | undefined;
  /** It was too much for it (429, 503): it is left alone for a moment, for other hosts too. */
  readonly isBusy?: boolean;
  /** What was asked about is not there (any more). */
  readonly isGone?: boolean;
  /** Nothing was asked: it is about proxies of ours, and soon tried again. */
  readonly isOurs?: boolean;
  readonly cause?: unknown;
}

export class AuthorityRefusal extends PropagitError {
  readonly details: RefusalDetails;

  constructor(message: string, details: RefusalDetails = {}) {
    super("CERTIFICATE_FAILED", message, { cause: details.cause });
    this.details = details;
  }
}
