/** A listening socket as Node has it below its servers: what can be sent to another process. */
export interface ListeningSocket {
  /** Whether TLS is spoken there. */
  readonly tls: boolean;
  readonly handle: object;
}
