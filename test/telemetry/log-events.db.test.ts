import { beforeEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/secret.ts";
import { LOG_EVENTS } from "../../src/telemetry/log-events.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { cutDatabase } from "../support/cut-database.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { type StartedGateway, shareGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

const change = (opUin: string) =>
  `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { requestId camRequestId } }`;

const shared = await shareGateway(UNLIMITED);
/** The number of lines before the test. */
let earlier = 0;

beforeEach(() => {
  earlier = shared.logLines.length;
});

describe("a change", () => {
  test("that took effect has one line with the caller, the user, the flag sets and the proof", async () => {
    const { headers, data } = await shared.send(change(ALICE));
    expect(changeLines(shared)).toEqual([
      {
        level: "info",
        event: "change.applied",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        msg: "MFA change applied",
        requestId: headers["x-request-id"],
        caller: "local",
        changeId: expect.any(String),
        account: "default",
        opUin: ALICE,
        sent: { opUin: ALICE, login: { phone: true, stoken: true, wechat: false } },
        durationMs: expect.any(Number),
        resolvedBy: "REPLY",
        camRequestId: (data?.["setSubUserMfa"] as Readonly<Record<string, unknown>> | undefined)?.[
          "camRequestId"
        ],
      },
    ]);
  });

  test("that was refused has one line with the reason", async () => {
    await shared.send(change(BOB));
    expect(changeLines(shared)).toMatchObject([
      {
        level: "info",
        msg: "MFA change not applied",
        opUin: BOB,
        changeId: expect.any(String),
        code: "USER_NOT_BIND_PHONE",
        camCode: "FailedOperation.UserNotBindPhone",
        camRequestId: expect.any(String),
      },
    ]);
    expect(linesOf(shared)).toContainEqual(
      expect.objectContaining({
        level: "info",
        msg: "CAM refused a call",
        camCode: "FailedOperation.UserNotBindPhone",
        camMessage: expect.any(String),
      }),
    );
    expect(linesOf(shared).filter(({ level }) => level === "warn")).toEqual([]);
  });

  test.each([
    [{ kind: "cutBefore" }, { kind: "CONNECTION_LOST", cause: "UND_ERR_SOCKET", why: expect.any(String) }],
    [
      { kind: "httpStatus", status: 502 },
      { kind: "BAD_RESPONSE", httpStatus: 502, why: expect.any(String) },
    ],
    [{ kind: "htmlBody" }, { kind: "BAD_RESPONSE", why: expect.stringContaining("HTTP 200") }],
  ] as const)("that fails by %o has the cause in the line of each call", async (fault, line) => {
    shared.cam.addFault({ ...fault, action: "DescribeSafeAuthFlagColl" });
    const { headers } = await shared.send(change(ALICE));
    expect(linesOf(shared)).toContainEqual(
      expect.objectContaining({
        ...{ level: "warn", msg: "CAM call failed", requestId: headers["x-request-id"] },
        ...line,
      }),
    );
  });

  test("that the gateway refused by itself has one line too", async () => {
    await shared.send(`mutation { setSubUserMfa(opUin: "${BOB}") { requestId } }`);
    expect(changeLines(shared)).toMatchObject([
      { level: "info", msg: "MFA change not applied", opUin: BOB, code: "NOTHING_TO_CHANGE" },
    ]);
  });

  test("that the store does not record has one line with the store's error", async () => {
    const databaseUrl = await createTestPostgres();
    const started = await startGateway({ env: { DATABASE_URL: databaseUrl } });
    await cutDatabase(databaseUrl);
    await started.send(change(ALICE));
    expect(changeLines(started)).toMatchObject([
      {
        level: "warn",
        event: "change.not_recorded",
        msg: "MFA change not applied: the store is unavailable",
        code: "STORE_UNAVAILABLE",
        err: { message: expect.stringMatching(/not currently accepting connections|terminat/) },
      },
    ]);
  });

  test("that shares the outcome of an earlier request has its own line with `shared`", async () => {
    const send = () =>
      shared.http
        .post("/graphql")
        .set("idempotency-key", "k")
        .send({ query: change(ALICE) });
    await send();
    await send();
    const [made, repeated] = changeLines(shared);
    expect(made).not.toHaveProperty("shared");
    expect(repeated).toMatchObject({ msg: "MFA change applied", shared: true, changeId: made?.["changeId"] });
    expect(repeated?.["requestId"]).not.toBe(made?.["requestId"]);
  });

  test("that took several attempts has one line", async () => {
    shared.cam.addFault({ kind: "cutBefore", action: "SetMfaFlag", times: 2 });
    await shared.send(change(ALICE));
    expect(changeLines(shared)).toHaveLength(1);
  });
});

test("every line is JSON, and no line contains a secret", async () => {
  const { send, cam, logLines } = await startGateway();
  cam.addFault({ kind: "camError", code: "AuthFailure.SignatureFailure", action: "SetMfaFlag", times: 1 });
  cam.addFault({ kind: "silence", action: "DescribeSubAccounts", times: 1 });
  await send(change(ALICE));
  await send(change(ALICE));
  for (const line of logLines) {
    expect(() => JSON.parse(line)).not.toThrow();
    expect(line).not.toMatch(/LocalExampleSecretKey|TC3-HMAC-SHA256|Signature=/);
  }
  expect(logLines.length).toBeGreaterThan(4);
});

test("secrets are redacted by their type and by their names", () => {
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    destination: { write: (line) => lines.push(line) },
  }).forLibrary("test");
  const headers = { authorization: "Bearer abc", cookie: "id=abc", "x-tc-token": "abc" };
  logger.info({ key: new Secret("abc"), headers, req: { headers }, token: "abc" }, "hello");
  expect(lines.join("")).not.toContain("abc");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ key: "[redacted]", msg: "hello" });
});

function linesOf(started: StartedGateway): readonly Readonly<Record<string, unknown>>[] {
  const lines = started.logLines.slice(started === shared ? earlier : 0);
  return lines.map((line) => JSON.parse(line));
}

function changeLines(started: StartedGateway): readonly Readonly<Record<string, unknown>>[] {
  return linesOf(started).filter(({ msg }) => String(msg).startsWith("MFA change"));
}

test("every line has a listed event with its level and message, and a library's line names the library", async () => {
  const started = await startGateway();
  await started.send(change(ALICE));
  await started.send("{ nonsense }");
  const lines = linesOf(started);
  for (const { event, level, msg, library } of lines) {
    if (event === "library.message") expect(["fastify", "apollo"]).toContain(library);
    else expect(LOG_EVENTS).toHaveProperty([String(event)], expect.objectContaining({ level, message: msg }));
  }
  expect(lines.map(({ event }) => event)).toEqual(
    expect.arrayContaining(["library.message", "cam.call_succeeded", "change.applied"]),
  );
});

test("ids are words separated by dots, and each event has its own message", () => {
  for (const id of Object.keys(LOG_EVENTS)) expect(id).toMatch(/^[a-z]+([._][a-z]+)*$/);
  const messages = Object.values(LOG_EVENTS).map(({ message }) => message);
  expect(new Set(messages).size).toBe(messages.length);
});
