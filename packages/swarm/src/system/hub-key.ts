/** The key with which a hub signs manifests: made at its first start and kept in its data folder. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";
import { join } from "node:path";
import { PropagitError } from "@propagit/protocol";
import { nodeDisk } from "@propagit/runtime";

export interface HubKey {
  /** Ed25519, SPKI as base64: what grants carry. */
  readonly publicKey: string;
  /** Signature of a text, base64. */
  sign(text: string): string;
}

/** @throws DATA_UNUSABLE when the folder cannot be written, or what is kept there is no such key */
export async function findHubKey(folder: string): Promise<HubKey> {
  const path = join(folder, "swarm-key");
  const kept = await nodeDisk.read(path);
  const key = kept === undefined ? await makeKey(path) : readKey(path, kept);
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: spki.toString("base64"),
    sign: (text) => sign(null, Buffer.from(text), key).toString("base64"),
  };
}

async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const text = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  await nodeDisk.writeAtomic(path, text, { mode: 0o600 });
  return privateKey;
}

function readKey(path: string, text: string): KeyObject {
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Said below: what is in it must not be in a message.
  }
  throw new PropagitError("DATA_UNUSABLE", `${path} holds no Ed25519 key`, {
    hint: "remove it: the hub makes a new one, and drones take it with their next grant",
  });
}
