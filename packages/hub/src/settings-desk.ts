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
import { Value } from "typebox/value";
import { checkEnvironmentRoom, environmentOf } from "./core/deployment-edits.js";
import { changed, Draft, type LedgerRows } from "./core/draft.js";
import { checkEnvironment } from "./core/environment-name.js";
import { newestRelease } from "./core/release-history.js";
import { placeKey, type SettingRow, type SettingRows } from "./core/rows.js";
import {
  changeSettings,
  checkNames,
  checkSetting,
  compareSettings,
  type NewSetting,
  type SettingsChange,
} from "./core/settings.js";
import type { Ledger } from "./ledger.js";
import type { ReleaseDesk, ReleasePlace } from "./release-desk.js";
import type { HubWorld } from "./world.js";

/** A change that is asked for, its values hidden already. */
interface WantedSettings {
  readonly place: ReleasePlace;
  readonly set: ReadonlyMap<string, SettingRow>;
  readonly unset: readonly string[];
}

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
    const wanted = { place: { repo: name, environment, by }, set: rows, unset };
    const { changed: names } = this.#changeOf(this.#ledger, wanted);
    if (names.length === 0) return { changed: [] };
    const rollout = deploy ? await this.#deploy(wanted, call) : undefined;
    if (rollout) return { changed: [...names], rollout };
    return { changed: [...(await this.#keep(wanted))] };
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

  /** The release and its settings are written together; undefined when nothing is deployed there. */
  async #deploy(
    wanted: WantedSettings,
    call: Pick<IncomingCall<"hub.configure">, "part" | "signal">,
  ): Promise<RolloutResult | undefined> {
    const { part, signal } = call;
    const { settings } = this.#changeOf(this.#ledger, wanted);
    let isStale = false;
    let isAccepted = false;
    const alongside = (draft: Draft) => {
      const now = this.#put(draft, wanted);
      isStale = !Value.Equal(now.settings, settings);
      if (isStale) throw new PropagitError("CHANGED_MEANWHILE", "other settings were changed");
    };
    const onPart: typeof part = (progress) => {
      isAccepted = true;
      part(progress);
    };
    try {
      const release = { settings, alongside };
      return await this.#releases.configure(wanted.place, release, { onPart, signal });
    } catch (thrown) {
      // Two changes at the same time are one after the other; each try ends with a change of somebody.
      if (isStale) return this.#deploy(wanted, call);
      if (!isAccepted) await this.#keep(wanted);
      const { code, message, hint } = toPropagitError(thrown);
      const kept = "the settings are kept, for the next release";
      throw new PropagitError(code, `${message}; ${kept}`, { hint });
    }
  }

  /** Without a release. @returns the names that changed */
  async #keep(wanted: WantedSettings): Promise<readonly string[]> {
    let names: readonly string[] = [];
    await this.#ledger.change(() => {
      const draft = new Draft(this.#ledger);
      names = this.#put(draft, wanted).changed;
      return names.length === 0 ? undefined : draft.change;
    });
    return names;
  }

  #put(draft: Draft, wanted: WantedSettings): SettingsChange {
    const change = this.#changeOf(draft, wanted);
    const { repo, environment, by } = wanted.place;
    const row = environmentOf(draft, repo, environment);
    const { settings, changed: names } = change;
    if (names.length === 0) return change;
    checkEnvironmentRoom(draft, repo, environment);
    draft.put("environments", placeKey(repo, environment), changed(row, { settings }));
    const text = `${by} changed settings of ${repo} in ${environment}: ${names.join(", ")}`;
    draft.note({ kind: "configured", repo, environment, by, text: text.slice(0, 2_000) });
    return change;
  }

  #changeOf(rows: LedgerRows, { place, set, unset }: WantedSettings): SettingsChange {
    const { settings } = environmentOf(rows, place.repo, place.environment);
    return changeSettings(settings, { set, unset }, (row) => this.reveal(row));
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
