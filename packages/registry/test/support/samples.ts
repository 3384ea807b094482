/** Records and commits as tests write them: the default, changed in one thing. */
import { PropagitError, type Endpoint, type ErrorCode } from "@propagit/protocol";

export const commitA = "74336bc1db98478e02e69f59e7100895be207389";
export const commitB = "40548daf17f7d25ec0f1925b97d24bc05043e4ed";

export function endpoint(changes: Partial<Endpoint> = {}): Endpoint {
  return {
    id: "e1",
    service: "http",
    version: "1.2.3",
    host: "10.0.0.1",
    port: 8000,
    meta: {},
    ...changes,
  };
}

/** For `assert.throws` and `assert.rejects`. */
export const hasCode = (code: ErrorCode) => (error: unknown) =>
  error instanceof PropagitError && error.code === code;
