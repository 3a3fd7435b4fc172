import type { IncomingHttpHeaders } from "node:http";
import { partsOf } from "./media-type.ts";

/** The names of the one encoding of characters that JSON has, and of its part that everybody has. */
const CHARSETS = ["utf-8", "utf8", "us-ascii"];

/** Why a body cannot be read, by what its headers say of its encoding; undefined where it can. */
export function encodingProblem(headers: IncomingHttpHeaders): string | undefined {
  const coding = headers["content-encoding"]?.trim().toLowerCase();
  if (coding !== undefined && coding !== "" && coding !== "identity") {
    return "Send the operation without a content-encoding.";
  }
  const charsets = partsOf(headers["content-type"] ?? "", ";").flatMap((parameter) => {
    const [, quoted, plain] = /^charset\s*=\s*(?:"([^"]*)"|(\S*))$/i.exec(parameter) ?? [];
    return quoted ?? plain ?? [];
  });
  return charsets.every((charset) => CHARSETS.includes(charset.toLowerCase()))
    ? undefined
    : "Send the operation as application/json in UTF-8.";
}
