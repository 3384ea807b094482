/** `propagit/config` as a value: for whoever loads a propagit.config. */
import * as projectApi from "./project-api.js";

export { projectApi };
