import { expect, test } from "vitest";
import { createCanonicalRequest, type HeaderField } from "../../../src/cam/signing/canonical-request.ts";

function canonicalHeaders(headers: readonly HeaderField[]) {
  const { text, signedHeaders } = createCanonicalRequest({
    method: "POST",
    query: "",
    headers,
    payloadHash: "hash",
  });
  return { text, signedHeaders };
}

test("headers are sorted by name, trimmed and lower-cased, and a blank line follows them", () => {
  const { text, signedHeaders } = canonicalHeaders([
    ["X-TC-Action", " SetMfaFlag "],
    [" Host ", "CAM.tencentcloudapi.com"],
    ["Content-Type", "application/json; charset=UTF-8\t"],
  ]);
  expect(signedHeaders).toBe("content-type;host;x-tc-action");
  expect(text.split("\n")).toEqual([
    "POST",
    "/",
    "",
    "content-type:application/json; charset=utf-8",
    "host:cam.tencentcloudapi.com",
    "x-tc-action:setmfaflag",
    "",
    "content-type;host;x-tc-action",
    "hash",
  ]);
});

test("names are sorted by their bytes, not by a locale", () => {
  expect(
    canonicalHeaders([
      ["x-tc-b", "2"],
      ["x-tc_a", "3"],
      ["x-tc-a", "1"],
    ]).signedHeaders,
  ).toBe("x-tc-a;x-tc-b;x-tc_a");
});
