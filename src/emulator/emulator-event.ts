import type { JournalEntry } from "./journal/journal.ts";
import type { SignatureMismatch } from "./signature/signature-mismatch.ts";

/** What the emulator tells whoever runs it. */
export type EmulatorEvent =
  | { kind: "started"; url: string; controlUrl: string }
  /** A request has its outcome; the reply may still be on its way. */
  | { kind: "request"; entry: JournalEntry }
  /** A signature was refused, and why. */
  | ({ kind: "signatureMismatch"; requestId: string; keyId: string } & SignatureMismatch)
  /** A defect of the emulator itself; the caller was told InternalError. */
  | { kind: "defect"; error: unknown }
  | { kind: "stopped" };
