/** What a task's `drone` means that is not the name of one: a selector, or a target; as the hub knows drones now. */
import { aimsOf, dronesNamed, type Aim, type SelectDrones } from "@propagit/plan";
import { PropagitError, toPropagitError } from "@propagit/protocol";
import { formatDuration } from "@propagit/shapes";
import { withHub, type HubFlags } from "../hub-call.js";
import { findTargets, type TargetsFlags } from "../targets/book.js";
import { dronesOfHub, selectFrom } from "../targets/select.js";

export interface SelectFlags extends HubFlags, TargetsFlags {}

/** Always a target, also where none is defined. */
const everybody = "all";

/**
 * Undefined when the text says nothing but names of drones: then no hub is asked.
 *
 * @throws UNREACHABLE, BAD_TARGET
 */
export async function selectionsFor(
  text: string,
  flags: SelectFlags,
): Promise<SelectDrones | undefined> {
  const words = dronesNamed(text);
  if (words.size === 0) return undefined;
  const targets = findTargets(flags);
  const names = new Set([...(targets?.book.targets.keys() ?? []), everybody]);
  const isSelection = (word: string) => names.has(word) || /[=!()*,]|^\//.test(word);
  if (![...words].some(isSelection)) return undefined;
  const drones = await withHub(flags, dronesOfHub).catch((thrown: unknown) => {
    throw unasked([...words].find(isSelection) ?? "", thrown);
  });
  const select = selectFrom(drones);
  const book = targets?.book ?? { targets: new Map(), relays: new Map() };
  const world = { book, ...targets, select };
  return (word) => {
    if (!isSelection(word)) return undefined;
    const isDrone = !book.targets.has(word) && drones.some(({ name }) => name === word);
    if (isDrone) return undefined;
    const found = names.has(word)
      ? namedAt(() => aimsOf(world, word), word)
      : { kind: "drones" as const, drones: [...new Set(select(word, undefined))] };
    if (found.kind === "refused" || found.drones.length > 0) return found;
    return { kind: "refused", why: "it means no drone; see them with `propagit drones`" };
  };
}

/** A stage has one time for all of its tasks, and tasks are handed on by nobody: a target may ask for neither. */
function namedAt(look: () => readonly Aim[], target: string): ReturnType<SelectDrones> & object {
  try {
    const aims = look();
    const late = aims.find(({ afterMs }) => afterMs > 0);
    const relay = aims.find(({ forward }) => forward !== undefined);
    const instead = "name drones by a selector and give stages an `after`, or push files to it";
    if (relay) {
      const why = `this target has ${relay.drone} hand on, which tasks of a plan do not: ${instead}`;
      return { kind: "refused", why };
    }
    if (late) {
      const when = formatDuration(late.afterMs);
      const why = `this target has ${late.drone} wait for ${when}, but tasks of a stage begin together: ${instead}`;
      return { kind: "refused", why };
    }
    return { kind: "drones", drones: aims.map(({ drone }) => drone) };
  } catch (thrown) {
    const { code, message } = toPropagitError(thrown);
    if (code !== "BAD_TARGET") throw thrown;
    return { kind: "refused", why: `target ${target}: ${message}` };
  }
}

function unasked(word: string, thrown: unknown): unknown {
  const { code, message } = toPropagitError(thrown);
  return new PropagitError(code, `which drones "${word}" means only the hub knows: ${message}`, {
    hint: "name the hub: --hub=HOST:6001, or PROPAGIT_HUB; or name the drones themselves",
    cause: thrown,
  });
}
