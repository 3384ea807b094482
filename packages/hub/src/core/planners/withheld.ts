/** Changes of which a plan does not hold all: it is shown, and carried out only for who asks, who has the rest. */
import { PropagitError, type PlannedChange } from "@propagit/protocol";
import type { SettingsChange } from "./settings.js";

interface Withheld {
  readonly what: string;
  readonly hint: string;
}

/** @throws BAD_PLAN */
export function refuseWithheld(change: PlannedChange, file: string): void {
  const withheld = withheldOf(change);
  if (withheld) throw refusal(withheld, file);
}

export function withoutValues(change: SettingsChange, file: string): PropagitError {
  return refusal(ofSettings(change), file);
}

function refusal({ what, hint }: Withheld, file: string): PropagitError {
  const why = "so that it cannot be carried out";
  return new PropagitError("BAD_PLAN", `${file}: ${what}, ${why}`, { hint });
}

function withheldOf(change: PlannedChange): Withheld | undefined {
  if (change.kind === "configure") return ofSettings(change);
  if (change.kind === "access" && change.add !== undefined) {
    return {
      what: `a plan of access has the name (${change.add}) and not the password`,
      hint: `give it: propagit access add ${change.repo} ${change.add}`,
    };
  }
  if (change.kind === "spawn" && change.variables.length > 0) {
    return {
      what: `a plan has the names of variables (${change.variables.join(", ").slice(0, 500)}) and not their values`,
      hint: `start it: propagit spawn ${change.repo} --env NAME=VALUE -- COMMAND`,
    };
  }
  if (change.kind === "run") {
    return {
      what: "a plan has nobody who looks on at what a command says",
      hint: `run it: propagit run ${change.repo} -- COMMAND`,
    };
  }
  if (change.kind === "certificate-add") {
    return {
      what: "a plan has the certificate and not its key",
      hint: "add it: propagit certificates add CERTIFICATE KEY",
    };
  }
  return undefined;
}

function ofSettings({ repo, set, unset }: SettingsChange): Withheld {
  const names = [...set.map(({ name }) => name), ...unset].join(", ").slice(0, 500);
  return {
    what: `a plan of settings has their names (${names}) and not their values`,
    hint: `change them: propagit env set ${repo} NAME=VALUE, propagit secrets set ${repo} NAME`,
  };
}
