import type { CamErrorCategory } from "./categories.ts";

/** What the catalogue says about one code. Every text here may be shown to a person. */
export interface CatalogueEntry {
  readonly code: string;
  readonly category: CamErrorCategory;
  /** True where the same request may succeed later although nobody changed anything. */
  readonly retryable: boolean;
  /** What happened: one sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
  /** The vendor's codes that lead here. Each covers its sub-codes too, except those that another entry names. */
  readonly camCodes: readonly string[];
}
