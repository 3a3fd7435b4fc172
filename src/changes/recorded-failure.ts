import type { CamAnswer, CamErrorCode } from "../contract/index.ts";

/** A change that is on record and did not, or not certainly, take effect. */
export class RecordedFailure extends Error {
  override readonly name = "RecordedFailure";
  /** The record. */
  readonly changeId: string;
  /** What was raised just now, or what the record of an earlier attempt says. */
  readonly failure: { readonly error: unknown } | { readonly facts: RecordedFacts };

  constructor(changeId: string, failure: RecordedFailure["failure"]) {
    super(`The change ${changeId} failed.`, { cause: "error" in failure ? failure.error : undefined });
    this.changeId = changeId;
    this.failure = failure;
  }
}

export interface RecordedFacts {
  readonly code: CamErrorCode;
  readonly cam?: CamAnswer | undefined;
  readonly message?: undefined;
}
