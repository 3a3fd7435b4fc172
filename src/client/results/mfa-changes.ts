import type { MfaChange, MfaChangeStatus } from "./mfa-change.ts";

/** Which changes to list. Whatever is left out, null or undefined does not narrow the list. */
export interface MfaChangesFilter {
  readonly opUin?: string | null | undefined;
  /** `default` is the account that needs no name. */
  readonly account?: string | null | undefined;
  readonly status?: MfaChangeStatus | null | undefined;
  /** The subject of the caller who asked for the change. */
  readonly caller?: string | null | undefined;
  /** Begun at or after: ISO 8601. */
  readonly from?: string | null | undefined;
  /** Begun before: ISO 8601. */
  readonly until?: string | null | undefined;
  /** How many, from 1 to 100; 20 where left out. */
  readonly first?: number | null | undefined;
  /** The `endCursor` of the page before. */
  readonly after?: string | null | undefined;
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

export interface MfaChangeEdge {
  readonly cursor: string;
  readonly node: MfaChange;
}

/** A page of changes, newest first. */
export interface MfaChangeConnection {
  readonly edges: readonly MfaChangeEdge[];
  readonly pageInfo: PageInfo;
}
