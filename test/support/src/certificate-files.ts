/** Certificates that nobody but a test has reason to believe, as files. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeCertificate, makeCertificateKey } from "@propagit/runtime";

const dayMs = 86_400_000;

/** Signed by itself, good from yesterday until tomorrow. */
export async function writeCertificate(
  folder: string,
  ...names: readonly string[]
): Promise<{ readonly certificate: string; readonly key: string }> {
  const key = makeCertificateKey();
  const life = { notBefore: Date.now() - dayMs, notAfter: Date.now() + dayMs };
  const paths = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(paths.certificate, makeCertificate({ ...life, names, key }));
  await writeFile(paths.key, key, { mode: 0o600 });
  return paths;
}
