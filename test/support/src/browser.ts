/** A real browser, without a window; where there is none the tests that need it are skipped. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

export type { Browser, Page } from "playwright-core";

/** Where Debian and others install it. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const place = places.find((path) => existsSync(path));

/** Why there is none, for `skip`; false when there is one. */
export const noBrowser: string | false =
  place === undefined ? "there is no Chromium; script/setup installs it where it can" : false;

/** Ended with `close()`. Certificates of authorities that it does not know are fine. */
export function openBrowser(): Promise<Browser> {
  if (place === undefined) throw new Error(`cannot happen: ${noBrowser}`);
  return chromium.launch({
    executablePath: place,
    args: [
      // It runs as root where the tests do, and asks nobody on the network.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
