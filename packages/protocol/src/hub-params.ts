/** Parameters that many methods of the hub have. */
import * as Type from "typebox";
import { authorSchema } from "./release.js";
import { exact, list, name } from "./shape.js";

export const nothing = exact({});
/** A commit as a user writes it: full hash, unique prefix, branch or tag. */
export const reference = Type.String({ minLength: 1, maxLength: 250 });
/** Default everywhere: production. */
export const environment = Type.Optional(name);
/** Commits or releases, and how much each of them gets. */
export const wantedShares = list(exact({ ref: reference, weight: Type.Number() }), 20);
export const by = Type.Optional(authorSchema);
