import type { IncomingHttpHeaders } from "node:http";

/** The names of the one encoding of characters that JSON has, and of its part that everybody has. */
const CHARSETS = ["utf-8", "utf8", "us-ascii"];

/** Why a body cannot be read, by what its headers say of its encoding; undefined where it can. */
export function encodingProblem(headers: IncomingHttpHeaders): string | undefined {
  const coding = headers["content-encoding"]?.trim().toLowerCase();
  if (coding !== undefined && coding !== "" && coding !== "identity") {
    return "Send the operation without a content-encoding.";
  }
  const [, quoted, plain] =
    /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]*))/i.exec(headers["content-type"] ?? "") ?? [];
  const charset = quoted ?? plain;
  if (charset !== undefined && !CHARSETS.includes(charset.toLowerCase())) {
    return "Send the operation as application/json in UTF-8.";
  }
  return undefined;
}
