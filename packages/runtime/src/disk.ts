/** Small files of state, written whole. Bulk data (git, checkouts, logs) does not go through here. */
export interface Disk {
  /** The content, or undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /**
   * Replaces a file in one step: after a crash there is the old content or the new, never a mixture.
   * On disk when the promise resolves. Makes missing folders. Writes of one path happen in the order of
   * their calls.
   *
   * @throws DATA_UNUSABLE when the disk is full or read-only
   */
  writeAtomic(path: string, content: string, options?: { readonly mode?: number }): Promise<void>;
  /** Removes a file if it is there. @throws DATA_UNUSABLE when the disk is read-only */
  remove(path: string): Promise<void>;
}
