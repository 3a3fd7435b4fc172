import type { Variables } from "./variables.ts";

/** How many users one caller may change; 0 for any number. */
export interface BulkGuardSetting {
  readonly users: number;
  readonly withinMs: number;
}

/** More users than people change by hand. */
const USERS_IN_SERVER_MODE = 100;

/** In local mode there is only one caller, and nobody to ask. */
export function bulkGuard(
  { BULK_GUARD_USERS: users, BULK_GUARD_MINUTES: minutes }: Variables,
  mode: "local" | "server",
): BulkGuardSetting {
  return { users: users ?? (mode === "server" ? USERS_IN_SERVER_MODE : 0), withinMs: minutes * 60_000 };
}
