/**
 * A journal of which an engine sees one run, or none yet: in front of a user, runs of others wait in the same
 * folder, and nobody asked for them to go on.
 */
import type { Journal } from "./world.js";

export function onlyRun(journal: Journal, run?: string): Journal {
  return {
    create: (id, plan) => journal.create(id, plan),
    append: (id, events) => journal.append(id, events),
    read: (id) => journal.read(id),
    list: async () => (await journal.list()).filter((head) => head.run === run),
    conclude: (id, summary) => journal.conclude(id, summary),
    take: (id) => journal.take(id),
    release: (id) => journal.release(id),
    remove: (id) => journal.remove(id),
    close: () => journal.close(),
  };
}
