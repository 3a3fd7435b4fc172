/** What goes back on the wire, or does not. */
export type Delivery =
  | { kind: "reply"; status: number; contentType: string; body: string | Buffer }
  /** A JSON reply padded to this many bytes, streamed. */
  | { kind: "padding"; bytes: number }
  /** Closes the connection without an answer. */
  | { kind: "cut" }
  /** Leaves the connection open and never answers. */
  | { kind: "silence" };

/** CAM's content type, to the letter: its Python SDK stops looking for errors when a charset follows. */
export const JSON_TYPE = "application/json";

export function jsonReply(body: string): Delivery {
  return { kind: "reply", status: 200, contentType: JSON_TYPE, body };
}
