import type { FastifyInstance } from "fastify";
import { isUtf16, utf8Text } from "../../utf8.ts";

/** The codes of errors of a body whose bytes are not text. */
export const NOT_UTF8 = "BODY_NOT_UTF8";
export const IS_UTF16 = "BODY_IS_UTF16";

/**
 * Reads bodies of JSON from their bytes. Fastify would decode them first, and put a replacement character in the place of
 * every byte that is not UTF-8. A byte order mark is ignored (RFC 8259, section 8.1).
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const text = utf8Text(body);
    // Latin text in UTF-16 is UTF-8 as well, with a NUL beside each letter, which no JSON has.
    if (isUtf16(body)) done(notText(IS_UTF16));
    else if (text === undefined) done(notText(NOT_UTF8));
    else parse(request, text, done);
  });
}

function notText(code: string): Error {
  return Object.assign(new Error("The body is not text in UTF-8."), { code, statusCode: 400 });
}
