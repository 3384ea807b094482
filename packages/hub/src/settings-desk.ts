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
import type { AskedRelease, ReleaseDesk, ReleasePlace } from "./release-desk.js";
import type { HubWorld } from "./world.js";

/** A change that is asked for, its values hidden already. */
interface WantedSettings {
  readonly place: ReleasePlace;
  readonly set: ReadonlyMap<string, SettingRow>;
  readonly unset: readonly string[];
}

/** What a change would do, its values still hidden; nothing of it is written. */
export interface AskedSettings {
  readonly place: ReleasePlace;
  /** In the order in which they were given. */
  readonly changed: readonly string[];
  /** Those that are so already. */
  readonly same: readonly string[];
  /** Absent: nothing changes, nothing is deployed there, or none is wanted. */
  readonly release?: AskedRelease;
}

type Session = Pick<IncomingCall<"hub.configure">, "conversation">;

export class SettingsDesk {
  readonly #world: Pick<HubWorld, "crypto" | "clock" | "settingsKey">;
  readonly #ledger: Ledger;
  readonly #releases: Pick<ReleaseDesk, "configureAsked" | "start">;

  /** @throws DATA_UNUSABLE when the key is not the one that settings were hidden with */
  constructor(
    world: Pick<HubWorld, "crypto" | "clock" | "settingsKey">,
    ledger: Ledger,
    releases: Pick<ReleaseDesk, "configureAsked" | "start">,
  ) {
    this.#world = world;
    this.#ledger = ledger;
    this.#releases = releases;
    this.#checkKey();
  }

  /** @throws BAD_NAME, BAD_SETTING, and what a deploy throws */
  async configure(
    { deploy, ...params }: Params<"hub.configure">,
    call: IncomingCall<"hub.configure">,
  ): Promise<Result<"hub.configure">> {
    const wanted = this.#wantedOf(params, call);
    const { changed: names } = this.#changeOf(this.#ledger, wanted);
    if (names.length === 0) return { changed: [] };
    const rollout = deploy ? await this.#deploy(wanted, call) : undefined;
    if (rollout) return { changed: [...names], rollout };
    return { changed: [...(await this.#keep(wanted))] };
  }

  /** What that would change, for a plan of it. @throws as `configure` */
  async configureAsked(
    { deploy, ...params }: Params<"hub.configure">,
    session: Session,
  ): Promise<AskedSettings> {
    const wanted = this.#wantedOf(params, session);
    const { place, set, unset } = wanted;
    const { settings, changed: names } = this.#changeOf(this.#ledger, wanted);
    const same = [...set.keys(), ...unset].filter((name) => !names.includes(name));
    const asked = { place, changed: names, same };
    if (names.length === 0 || !deploy) return asked;
    const release = await this.#releases.configureAsked(place, { settings });
    return release ? { ...asked, release } : asked;
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
      const asked = await this.#releases.configureAsked(wanted.place, { settings, alongside });
      return asked && (await this.#releases.start(asked, { onPart, signal }));
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

  /** Checked, and hidden under the hub's own key. */
  #wantedOf(
    {
      repo,
      environment = environmentDefault,
      set,
      unset,
      by = "somebody",
    }: Omit<Params<"hub.configure">, "deploy">,
    session: Session,
  ): WantedSettings {
    const name = parseRepoName(repo);
    checkEnvironment(environment);
    const clear = set.map((setting) => this.#unhide(setting, session));
    clear.forEach(checkSetting);
    checkNames(clear, unset);
    const at = this.#world.clock.now();
    const rows = new Map(clear.map((one) => [one.name, this.#hide(one, at, by)]));
    return { place: { repo: name, environment, by }, set: rows, unset };
  }

  #unhide(
    { name, value, secret }: Params<"hub.configure">["set"][number],
    { conversation }: Session,
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
