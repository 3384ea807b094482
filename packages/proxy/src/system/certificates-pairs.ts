/**
 * Which files of a folder belong together, as the usual tools name them:
 *
 *     shop.pem  shop.key | shop-key.pem | shop.key.pem      (also .crt and .cer)
 *     shop.pem                                              certificate and key in one
 *     shop.example.com/fullchain.pem  privkey.pem           certbot's `live`
 */

export interface FilePair {
  readonly certificate: string;
  readonly key: string;
}

const certificatePattern = /^(.*)\.(?:pem|crt|cer)$/;
const keyPattern = /(?:\.key|[-.]key\.pem)$/;
/** What certbot puts beside `fullchain.pem`: parts of it. */
const certbotParts = new Set(["cert.pem", "chain.pem", "privkey.pem"]);

/** @param files paths below the folder, at most one folder deep */
export function pairFiles(files: readonly string[]): readonly FilePair[] {
  const there = new Set(files);
  return [...files].sort().flatMap((file) => pairOf(file, there));
}

function pairOf(file: string, there: ReadonlySet<string>): readonly FilePair[] {
  const slash = file.lastIndexOf("/") + 1;
  const [folder, name] = [file.slice(0, slash), file.slice(slash)];
  const isOfCertbot = there.has(`${folder}fullchain.pem`);
  if (isOfCertbot && name === "fullchain.pem") {
    return [{ certificate: file, key: `${folder}privkey.pem` }];
  }
  const base = certificatePattern.exec(name)?.[1];
  if (base === undefined || keyPattern.test(name) || name.startsWith(".")) return [];
  if (isOfCertbot && certbotParts.has(name)) return [];
  const keys = [".key", "-key.pem", ".key.pem"].map((end) => `${folder}${base}${end}`);
  return [{ certificate: file, key: keys.find((key) => there.has(key)) ?? file }];
}
