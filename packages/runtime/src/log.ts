/** What a daemon says to whoever runs it. */
export interface Log {
  /** Something a user wants to know. */
  info(message: string): void;
  /** Something is wrong but work goes on; says what, which, why and what happens next. */
  warn(message: string): void;
}

export const silentLog: Log = { info: () => undefined, warn: () => undefined };
