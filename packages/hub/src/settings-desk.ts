/**
 * Settings of environments: hidden on their way (under the session's key) and at rest (under the hub's own),
 * and in clear only in between, in memory. No value is ever in a message, an event or a log.
 *
 * Each change is a release of what is current, so that it can be gone back on like any other.
 */
import {
  environmentDefault,
  parseRepoName,
  PropagitError,
  toPropagitError,
  type Params,
  type Result,
  type RolloutResult,
} from "@propagit/protocol";
import type { IncomingCall } from "@propagit/runtime";
import { environmentOf } from "./core/deployment-edits.js";
import { changed, Draft } from "./core/draft.js";
import { checkEnvironment } from "./core/environment-name.js";
import { newestRelease } from "./core/release-history.js";
import { placeKey, type SettingRow, type SettingRows } from "./core/rows.js";
import {
  changeSettings,
  checkNames,
  checkSetting,
  compareSettings,
  type NewSetting,
} from "./core/settings.js";
import type { Ledger } from "./ledger.js";
import type { ReleaseDesk } from "./release-desk.js";
import type { HubWorld } from "./world.js";

export class SettingsDesk {
  readonly #world: Pick<HubWorld, "crypto" | "clock" | "settingsKey">;
  readonly #ledger: Ledger;
  readonly #releases: Pick<ReleaseDesk, "configure">;

  /** @throws DATA_UNUSABLE when the key is not the one that settings were hidden with */
  constructor(
    world: Pick<HubWorld, "crypto" | "clock" | "settingsKey">,
    ledger: Ledger,
    releases: Pick<ReleaseDesk, "configure">,
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#releases = releases;
    this.#checkKey();
  }

  /** @throws BAD_NAME, BAD_SETTING, and what a deploy throws */
  async configure(
    {
      repo,
      environment = environmentDefault,
      deploy,
      set,
      unset,
      by = "somebody",
    }: Params<"hub.configure">,
    call: IncomingCall<"hub.configure">,
  ): Promise<Result<"hub.configure">> {
    const name = parseRepoName(repo);
    checkEnvironment(environment);
    const clear = set.map((setting) => this.#unhide(setting, call));
    clear.forEach(checkSetting);
    checkNames(clear, unset);
    const at = this.#world.clock.now();
    const rows = new Map(clear.map((one) => [one.name, this.#hide(one, at, by)]));
    let names: readonly string[] = [];
    await this.#ledger.change(() => {
      const row = environmentOf(this.#ledger, name, environment);
      const change = changeSettings(row.settings, { set: rows, unset }, (one) => this.reveal(one));
      names = change.changed;
      if (names.length === 0) return undefined;
      const draft = new Draft(this.#ledger);
      const after = changed(row, { settings: change.settings });
      draft.put("environments", placeKey(name, environment), after);
      const text = `${by} changed settings of ${name} in ${environment}: ${names.join(", ")}`;
      draft.note({ kind: "configured", repo: name, environment, by, text: text.slice(0, 2_000) });
      return draft.change;
    });
    if (names.length === 0 || !deploy) return { changed: [...names] };
    const rollout = await this.#deploy({ repo: name, environment, by }, call);
    return { changed: [...names], ...(rollout && { rollout }) };
  }

  settings({
    repo,
    environment = environmentDefault,
  }: Params<"hub.settings">): Result<"hub.settings"> {
    const name = parseRepoName(repo);
    const { settings } = environmentOf(this.#ledger, name, environment);
    const newest = newestRelease(this.#ledger, name, environment);
    const told = Object.entries(settings).map(([key, row]) => ({
      name: key,
      secret: row.secret,
      at: row.at,
      by: row.by,
      ...(!row.secret && { value: this.reveal(row) }),
    }));
    const pending = newest ? compareSettings(newest.settings, settings) : [];
    return {
      settings: told.sort((left, right) => (left.name < right.name ? -1 : 1)),
      pending: pending.map((change) => change.name),
    };
  }

  /** The value of what is kept. @throws DATA_UNUSABLE */
  reveal({ hidden }: SettingRow): string {
    const { crypto, settingsKey } = this.#world;
    const value = crypto.decrypt(settingsKey, hidden);
    if (value !== undefined) return value;
    throw new PropagitError("DATA_UNUSABLE", "a setting cannot be read with the hub's key", {
      hint: "put the file `key` that belongs to this hub.db back into the data folder",
    });
  }

  async #deploy(
    place: Parameters<ReleaseDesk["configure"]>[0],
    { part, signal }: IncomingCall<"hub.configure">,
  ): Promise<RolloutResult | undefined> {
    try {
      return await this.#releases.configure(place, { onPart: part, signal });
    } catch (thrown) {
      const { code, message, hint } = toPropagitError(thrown);
      const kept = "the settings are kept, for the next release";
      throw new PropagitError(code, `${message}; ${kept}`, { hint });
    }
  }

  #unhide(
    { name, value, secret }: Params<"hub.configure">["set"][number],
    { conversation }: IncomingCall<"hub.configure">,
  ): NewSetting {
    const key = conversation.peer?.sessionKey ?? "";
    const clear = this.#world.crypto.decrypt(key, value);
    if (clear !== undefined) return { name, value: clear, secret };
    throw new PropagitError("BAD_SETTING", "a value was not hidden under the session's key", {
      hint: "use a propagit of the same version as the hub",
    });
  }

  #hide({ value, secret }: NewSetting, at: number, by: string): SettingRow {
    const { crypto, settingsKey } = this.#world;
    return { hidden: crypto.encrypt(settingsKey, value), secret, at, by };
  }

  /** Early and in words, instead of later in the middle of a deploy. */
  #checkKey(): void {
    const rows = [
      ...this.#ledger.rows("environments").values(),
      ...this.#ledger.rows("deployments").values(),
    ];
    for (const { settings } of rows as { settings: SettingRows }[]) {
      for (const row of Object.values(settings)) this.reveal(row);
    }
  }
}
