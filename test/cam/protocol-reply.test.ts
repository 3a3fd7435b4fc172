import { expect, test } from "vitest";
import {
  type CamError,
  describeSafeAuthFlagColl,
  describeSubAccounts,
  setMfaFlag,
} from "../../src/cam/index.ts";
import { type CamAction, readReply } from "../../src/cam/protocol.ts";
import type { TransportReply } from "../../src/cam/transport/http-transport.ts";

const SUCCESS = '{"Response":{"RequestId":"r-1"}}';

function read<Output>(action: CamAction<never, Output>, more: Partial<TransportReply>) {
  return readReply(
    action,
    { status: 200, contentType: "application/json", date: undefined, body: SUCCESS, ...more },
    2,
  );
}

function errorOf(action: CamAction<never, unknown>, more: Partial<TransportReply>): CamError {
  try {
    read(action, more);
  } catch (error) {
    return error as CamError;
  }
  throw new Error("The reply was accepted.");
}

test.each([
  "application/json",
  "application/json; charset=utf-8",
  "application/json;charset=utf-8",
  "Application/JSON ; charset=utf-8",
])("a success of type %j is read", (contentType) => {
  expect(read(setMfaFlag, { contentType })).toEqual({ output: undefined, camRequestId: "r-1" });
});

test.each([
  ["another status", { status: 500 }, { httpStatus: 500 }],
  ["another status with a valid envelope", { status: 429, body: SUCCESS }, { httpStatus: 429 }],
  ["another 2xx status", { status: 201, body: SUCCESS }, { httpStatus: 201 }],
  ["HTML", { contentType: "text/html", body: "<html>" }, {}],
  ["JSON with a text type", { contentType: "text/plain" }, {}],
  ["JSON with a longer type", { contentType: "application/json5" }, {}],
  ["no content type", { contentType: "" }, {}],
  ["an empty body", { body: "" }, {}],
  ["HTML with the JSON type", { body: "<html>" }, {}],
  ["half an envelope", { body: SUCCESS.slice(0, 20) }, {}],
  ["JSON null", { body: "null" }, {}],
  ["a list", { body: "[]" }, {}],
  ["an empty object", { body: "{}" }, {}],
  ["a Response that is null", { body: '{"Response":null}' }, {}],
  ["a Response that is text", { body: '{"Response":"ok"}' }, {}],
  ["an Error without a Code", { body: '{"Response":{"Error":{"Message":"m"},"RequestId":"r-1"}}' }, {}],
  ["a Code that is a number", { body: '{"Response":{"Error":{"Code":1},"RequestId":"r-1"}}' }, {}],
  ["no RequestId", { body: '{"Response":{}}' }, {}],
  ["a RequestId that is a number", { body: '{"Response":{"RequestId":1}}' }, {}],
  ["very deep nesting", { body: "[".repeat(50_000) }, {}],
] satisfies [string, Partial<TransportReply>, object][])("%s is a bad response", (_, reply, expected) => {
  expect(errorOf(setMfaFlag, reply)).toMatchObject({
    name: "CamError",
    kind: "BAD_RESPONSE",
    action: "SetMfaFlag",
    attempts: 2,
    camCode: undefined,
    httpStatus: undefined,
    ...expected,
  });
});

test("a refusal carries CAM's code, message and RequestId", () => {
  const body =
    '{"Response":{"Error":{"Code":"FailedOperation.UserNotBindPhone","Message":"没有"},"RequestId":"r-2"}}';
  expect(errorOf(setMfaFlag, { body })).toMatchObject({
    kind: "REFUSED",
    camCode: "FailedOperation.UserNotBindPhone",
    camMessage: "没有",
    camRequestId: "r-2",
    attempts: 2,
  });
});

test.each([201, 400, 429, 500, 503])(
  "an envelope with an error is a refusal by CAM at HTTP %i too",
  (status) => {
    const body = '{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure"},"RequestId":"r-4"}}';
    expect(errorOf(setMfaFlag, { status, body })).toMatchObject({
      kind: "REFUSED",
      camCode: "AuthFailure.SignatureFailure",
      camRequestId: "r-4",
      httpStatus: status,
    });
  },
);

test("a refusal needs neither message nor RequestId", () => {
  const body = '{"Response":{"Error":{"Code":"InternalError"}}}';
  expect(errorOf(setMfaFlag, { body })).toMatchObject({ kind: "REFUSED", camCode: "InternalError" });
});

test("a reply with unknown members is accepted", () => {
  const body = '{"Response":{"RequestId":"r-1","DeprecatedWarning":"soon","New":[1]},"More":1}';
  expect(read(setMfaFlag, { body }).camRequestId).toBe("r-1");
});

test.each([
  [describeSafeAuthFlagColl, '"LoginFlag":{}'],
  [describeSafeAuthFlagColl, '"LoginFlag":{},"ActionFlag":null'],
  [describeSafeAuthFlagColl, '"LoginFlag":{"Phone":"1"},"ActionFlag":{}'],
  [describeSubAccounts, '"Other":1'],
  [describeSubAccounts, '"SubAccounts":[{"Name":"alice"}]'],
  [describeSubAccounts, '"SubAccounts":[{"Uin":18446744073709551616}]'],
  [describeSubAccounts, '"SubAccounts":[{"Uin":-1}]'],
  [describeSubAccounts, '"SubAccounts":[{"Uin":1e19}]'],
  [describeSubAccounts, '"SubAccounts":[{"Uin":"0123"}]'],
])("$name: a promised field that is missing or malformed is a bad response (%s)", (action, members) => {
  const body = `{"Response":{${members},"RequestId":"r-3"}}`;
  expect(errorOf(action as CamAction<never, unknown>, { body })).toMatchObject({
    kind: "BAD_RESPONSE",
    camRequestId: "r-3",
    cause: { name: "ZodError" },
  });
});
