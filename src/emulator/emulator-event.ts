import type { JournalEntry } from "./journal.ts";
import type { SignatureMismatch } from "./signature/signature-mismatch.ts";

/** The events of the emulator. */
export type EmulatorEvent =
  | { kind: "started"; url: string; controlUrl: string }
  /** A request has its outcome; the reply may not have arrived yet. */
  | { kind: "request"; entry: JournalEntry }
  /** A refused signature with its likely cause. */
  | ({ kind: "signatureMismatch"; requestId: string; keyId: string } & SignatureMismatch)
  /** A defect of the emulator; the caller received InternalError. */
  | { kind: "defect"; error: unknown }
  | { kind: "stopped" };

/** Formats one event for a terminal. */
export function describeEvent(event: EmulatorEvent): string {
  switch (event.kind) {
    case "started":
      return `CAM emulator listening on ${event.url}, control API on ${event.controlUrl}`;
    case "stopped":
      return "CAM emulator stopped";
    case "defect":
      return `Defect in the emulator: ${event.error instanceof Error ? event.error.stack : String(event.error)}`;
    case "request":
      return describeRequest(event);
    case "signatureMismatch":
      return describeMismatch(event);
  }
}

function describeRequest({ entry }: Extract<EmulatorEvent, { kind: "request" }>): string {
  const words = [
    entry.time,
    entry.action ?? "(no action)",
    entry.opUins.join(","),
    entry.keyId ?? "(no key)",
  ];
  words.push(entry.outcome ?? "(no CAM answer)");
  if (entry.fault) words.push(`fault=${entry.fault}`, entry.applied ? "applied" : "not applied");
  words.push(entry.requestId);
  return words.filter((word) => word !== "").join("  ");
}

function describeMismatch(event: Extract<EmulatorEvent, { kind: "signatureMismatch" }>): string {
  const lines = [`Signature refused for ${event.keyId} (${event.requestId}): ${event.cause}`];
  if (event.firstDifference) {
    const { line, received, signed } = event.firstDifference;
    lines.push(`First difference, line ${line}:`, `  received  ${received}`, `  signed    ${signed}`);
  }
  if (event.canonicalRequest !== undefined)
    lines.push("Canonical request as received:", indent(event.canonicalRequest));
  if (event.stringToSign !== undefined) lines.push("String to sign:", indent(event.stringToSign));
  return lines.join("\n");
}

function indent(text: string): string {
  return text.replace(/^/gm, "  | ");
}
