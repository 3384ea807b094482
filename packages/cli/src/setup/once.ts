/** Work that several hosts need is done once, by whoever comes first; what failed is tried again. */

export function once<Key extends readonly unknown[], T>(
  work: (...key: Key) => Promise<T>,
): (...key: Key) => Promise<T> {
  let done: Promise<T> | undefined;
  return (...key) => {
    done ??= work(...key).catch((thrown: unknown) => {
      done = undefined;
      throw thrown;
    });
    return done;
  };
}
