import { describe, expect, test } from "vitest";
import { createLogger } from "../../src/observability/logger.ts";
import { Secret } from "../../src/secret.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";

const change = (opUin: string) =>
  `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { requestId } }`;

describe("a change", () => {
  test("that took effect is one line: who, whom, what was sent, how it is known", async () => {
    const started = await startGateway();
    const { headers, data } = await started.send(change(ALICE));
    expect(changeLines(started)).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        msg: "MFA change applied",
        requestId: headers["x-request-id"],
        caller: "local",
        changeId: expect.any(String),
        opUin: ALICE,
        sent: { opUin: ALICE, login: { phone: true, stoken: true, wechat: false } },
        durationMs: expect.any(Number),
        resolvedBy: "REPLY",
        camRequestId: (data?.["setSubUserMfa"] as Readonly<Record<string, unknown>> | undefined)?.[
          "requestId"
        ],
      },
    ]);
  });

  test("that was refused is one line with the reason", async () => {
    const started = await startGateway();
    await started.send(change(BOB));
    expect(changeLines(started)).toMatchObject([
      {
        level: "warn",
        msg: "MFA change not applied",
        opUin: BOB,
        error: expect.stringContaining("FailedOperation.UserNotBindPhone"),
      },
    ]);
  });

  test("that took several attempts is one line still", async () => {
    const started = await startGateway();
    started.cam.addFault({ kind: "cutBefore", action: "SetMfaFlag", times: 2 });
    await started.send(change(ALICE));
    expect(changeLines(started)).toHaveLength(1);
  });
});

test("every line is JSON, and none holds a secret", async () => {
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

test("secrets stay out of the log, by their type and by their names", () => {
  const lines: string[] = [];
  const logger = createLogger({ level: "info", destination: { write: (line) => lines.push(line) } });
  const headers = { authorization: "Bearer abc", cookie: "id=abc", "x-tc-token": "abc" };
  logger.info({ key: new Secret("abc"), headers, req: { headers }, token: "abc" }, "hello");
  expect(lines.join("")).not.toContain("abc");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ key: "[redacted]", msg: "hello" });
});

function changeLines({ logLines }: StartedGateway): readonly Readonly<Record<string, unknown>>[] {
  return logLines.map((line) => JSON.parse(line)).filter(({ msg }) => String(msg).startsWith("MFA change"));
}
