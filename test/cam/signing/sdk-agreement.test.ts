import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Tc3Signer } from "../../../src/cam/signing/tc3-signer.ts";
import { Secret } from "../../../src/secret.ts";

/**
 * The official SDK is another implementation of TC3 that CAM accepts. The test generates requests for which
 * both are defined. The differences outside that range, and the reasons for the gateway's behaviour:
 *
 * - sign3 signs exactly content-type;host. The gateway also signs x-tc-action in calls to CAM.
 * - sign3 does not trim or lower-case values. The vendor's page demands both. The generated values are lower-case.
 * - sign3 signs the URL's hostname without its port, although its Host header has one. The gateway signs the
 *   Host header that it sends. The generated hosts have no ports.
 * - sign3 takes path and query from a parsed URL, which escapes both. The generated queries are escaped.
 */
const { default: Sign } = createRequire(import.meta.url)(
  "tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js",
) as typeof import("tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js");

const lowerCaseText = fc
  .string({ unit: "grapheme-ascii", maxLength: 40 })
  .map((text) => text.toLowerCase().trim());
const contentType = fc.oneof(
  fc.constantFrom(
    "application/json",
    "application/json; charset=utf-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=----x7",
    "text/plain;charset=gb18030;q=0.5",
    "",
  ),
  lowerCaseText,
);
const host = fc.oneof(
  fc.constantFrom(
    "cam.tencentcloudapi.com",
    "cam.intl.tencentcloudapi.com",
    "localhost",
    "127.0.0.1",
    "[::1]",
  ),
  fc.domain().map((name) => name.toLowerCase()),
);
const unicode = fc.string({ unit: "binary", maxLength: 300 });
/** Strings with lone surrogates, which become replacement characters on the wire. */
const brokenUnicode = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
  .map((units) => String.fromCharCode(...units));
const megabyte = fc.constantFrom("x", "名").map((unit) => unit.repeat(2 ** 20 / Buffer.byteLength(unit)));
const body = fc.oneof(
  { arbitrary: unicode, weight: 20 },
  { arbitrary: brokenUnicode, weight: 10 },
  { arbitrary: fc.json({ maxDepth: 3 }), weight: 10 },
  { arbitrary: fc.constant(""), weight: 5 },
  { arbitrary: megabyte, weight: 1 },
);
const query = fc
  .array(fc.tuple(unicode, unicode), { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => `${escape3986(name)}=${escape3986(value)}`).join("&"));

const common = {
  contentType,
  host,
  secretId: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 40 }),
  secretKey: fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  service: fc.constantFrom("cam", "sts", "cvm", "a-b"),
  // Up to the end of the year 9999, after which dates get longer.
  timestamp: fc.integer({ min: 0, max: 253_402_300_799 }),
};
const post = fc.record({ ...common, method: fc.constant("POST" as const), query: fc.constant(""), body });
const get = fc.record({ ...common, method: fc.constant("GET" as const), query, body: fc.constant("") });

function escape3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

test("the signer agrees with the official SDK on a thousand generated requests", () => {
  fc.assert(
    fc.property(fc.oneof({ arbitrary: post, weight: 3 }, get), (request) => {
      const { method, secretId, service, timestamp, secretKey } = request;
      const ours = new Tc3Signer().sign(
        {
          method,
          query: request.query,
          headers: [
            ["Host", request.host],
            ["Content-Type", request.contentType],
          ],
          body: request.body,
          service,
          timestampSeconds: timestamp,
        },
        { secretId, secretKey: new Secret(secretKey) },
      );
      const theirs = Sign.sign3({
        method,
        url: `https://${request.host}/${request.query && `?${request.query}`}`,
        payload: Buffer.from(request.body),
        timestamp,
        service,
        secretId,
        secretKey,
        multipart: false,
        boundary: "",
        headers: { "Content-Type": request.contentType },
      });
      expect(ours.authorization).toBe(theirs);
    }),
    { numRuns: 1_000 },
  );
});
