/** Parameters that many methods of the hub have. */
import * as Type from "typebox";
import { authorSchema } from "./release.js";
import { exact, name } from "./shape.js";

export const nothing = exact({});
/** A commit as a user writes it: full hash, unique prefix, branch or tag. */
export const reference = Type.String({ minLength: 1, maxLength: 250 });
/** Default everywhere: production. */
export const environment = Type.Optional(name);
export const by = Type.Optional(authorSchema);
