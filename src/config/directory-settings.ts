import { z } from "zod";
import type { ScanSettings } from "../directory/scan-store.ts";
import { oneOf, type VariableGroup } from "./variable-schemas.ts";

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration such as `6h`, as text. */
const duration = z
  .string()
  .regex(/^[1-9]\d{0,3}[mhd]$/, "must be minutes, hours or days, for example 30m, 6h or 7d");

export const DIRECTORY = {
  title: "The directory of users",
  introduction:
    "The gateway reads all users of all accounts into a directory; see docs/operators/directory-scans.md.",
  variables: {
    DIRECTORY_SCAN_INTERVAL: z
      .union(
        [z.literal("off"), duration],
        "must be off, or minutes, hours or days, for example 30m, 6h or 7d",
      )
      .default("6h")
      .describe(
        "The time from one scan of an account to the next, for example 30m, 6h or 7d. It varies by five " +
          "percent. off scans on request only. A scan reads each user with one call. Interactive calls go " +
          "first.",
      ),
    DIRECTORY_KEEP_GONE: duration
      .default("30d")
      .describe("How long the directory keeps a user that CAM no longer lists. Then it erases the user."),
    DIRECTORY_LIST_ACTION: oneOf(["ListUsers", "ListAccounts"])
      .default("ListUsers")
      .describe(
        "The action that lists the users of an account. ListAccounts has pages of 100 users and exists only on the " +
          "mainland site. Accounts on the international site need ListUsers.",
      ),
  },
} satisfies VariableGroup;

export interface DirectorySettings extends ScanSettings {
  readonly listAction: "ListUsers" | "ListAccounts";
}

type DirectoryVariables = z.output<z.ZodObject<(typeof DIRECTORY)["variables"]>>;

export function readDirectorySettings({ vars }: { readonly vars: DirectoryVariables }): DirectorySettings {
  const interval = vars.DIRECTORY_SCAN_INTERVAL;
  return {
    intervalMs: interval === "off" ? undefined : milliseconds(interval),
    keepGoneMs: milliseconds(vars.DIRECTORY_KEEP_GONE),
    listAction: vars.DIRECTORY_LIST_ACTION,
  };
}

function milliseconds(text: string): number {
  return Number.parseInt(text, 10) * UNITS_MS[text.slice(-1) as keyof typeof UNITS_MS];
}
