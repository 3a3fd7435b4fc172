import type { CamAnswer, CamErrorCode, Uin } from "../contract/index.ts";

/** A change that is on record and did not, or not certainly, take effect. */
export class RecordedFailure extends Error {
  override readonly name = "RecordedFailure";
  /** The record. */
  readonly changeId: string;
  readonly opUin: Uin;
  /** What was raised just now, or what the record of an earlier attempt says. */
  readonly failure: { readonly error: unknown } | { readonly facts: RecordedFacts };

  constructor({ id, opUin }: RecordedName, failure: RecordedFailure["failure"]) {
    super(`The change ${id} failed.`, { cause: "error" in failure ? failure.error : undefined });
    this.changeId = id;
    this.opUin = opUin;
    this.failure = failure;
  }
}

/** By what a change on record is known. */
export interface RecordedName {
  readonly id: string;
  readonly opUin: Uin;
}

export interface RecordedFacts {
  readonly code: CamErrorCode;
  readonly cam?: CamAnswer | undefined;
  /** Until when it can be approved, where that is awaited: ISO 8601. */
  readonly expiresAt?: string | undefined;
  readonly message?: undefined;
}
