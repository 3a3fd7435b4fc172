import type { FaultInput } from "../../../src/emulator/index.ts";

/**
 * The number of calls that the gateway itself makes for each failure. It repeats a write only after a read-back.
 */
export const FAILURES: readonly [what: string, fault: FaultInput, writes: number][] = (
  [
    ["HTTP 500 after the change", { kind: "httpStatus", status: 500, apply: true }, 1],
    ["HTTP 503 after the change", { kind: "httpStatus", status: 503, apply: true }, 1],
    ["HTTP 429 after the change", { kind: "httpStatus", status: 429, apply: true }, 1],
    ["InternalError after the change", { kind: "camError", code: "InternalError", apply: true }, 1],
    ["a connection cut after the change", { kind: "cutAfter" }, 1],
    ["silence after the change", { kind: "silence", apply: true }, 1],
    ["garbage after the change", { kind: "garbageBody", apply: true }, 1],
    ["half a reply after the change", { kind: "truncatedJson", apply: true }, 1],
    ["a page of HTML after the change", { kind: "htmlBody", apply: true }, 1],
    ["nothing after the change", { kind: "emptyBody", apply: true }, 1],
    ["20 MB after the change", { kind: "hugeBody", apply: true }, 1],
    ["a reply of another type", { kind: "wrongContentType" }, 1],
    ["a slow reply", { kind: "delay", delayMs: 500 }, 1],
    ["HTTP 500, once", { kind: "httpStatus", status: 500, times: 1 }, 2],
    ["InternalError, once", { kind: "camError", code: "InternalError", times: 1 }, 2],
    ["a connection cut before the change, once", { kind: "cutBefore", times: 1 }, 2],
    ["silence, once", { kind: "silence", times: 1 }, 2],
    ["garbage, once", { kind: "garbageBody", times: 1 }, 2],
    ["HTTP 500", { kind: "httpStatus", status: 500 }, 4],
    ["HTTP 429", { kind: "httpStatus", status: 429 }, 4],
    ["InternalError", { kind: "camError", code: "InternalError" }, 4],
    ["a connection cut before the change", { kind: "cutBefore" }, 4],
  ] as const
).map(([what, fault, writes]) => [what, { action: "SetMfaFlag", ...fault }, writes]);
