/** Compressed request bodies, as git sends them for long negotiations; a bomb ends the request. */
import { Transform, type Duplex } from "node:stream";
import { createGunzip, createInflate } from "node:zlib";
import { PropagitError } from "@propagit/protocol";

/**
 * Inflated bytes allowed for each byte received, above a first megabyte. What git sends are hashes, which
 * deflate to a half; a thousandfold is what a bomb reaches.
 */
const ratioMax = 100;
const freeBytes = 1024 * 1024;

/**
 * The streams that a body of this encoding goes through, or undefined when nobody knows the encoding.
 * The last one fails with TOO_LARGE when the body grows beyond all measure.
 */
export function inflaters(encoding: string | undefined): readonly Duplex[] | undefined {
  switch (encoding?.toLowerCase()) {
    case undefined:
    case "":
    case "identity":
      return [];
    case "gzip":
    case "x-gzip":
      return bounded(createGunzip());
    case "deflate":
      return bounded(createInflate());
    default:
      return undefined;
  }
}

function bounded(inflate: Duplex): readonly Duplex[] {
  let received = 0;
  let inflated = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      received += chunk.length;
      done(null, chunk);
    },
  });
  const guard = new Transform({
    transform(chunk: Buffer, _, done) {
      inflated += chunk.length;
      if (inflated <= freeBytes + received * ratioMax) return done(null, chunk);
      done(new PropagitError("TOO_LARGE", "the body grows too much when it is inflated"));
    },
  });
  return [counter, inflate, guard];
}
