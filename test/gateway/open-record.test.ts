import { generateKeyPairSync } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ChangeRecord } from "../../src/audit/change-record.ts";
import type { RequestContent } from "../../src/audit/request-macs.ts";
import type { Uin } from "../../src/contract/index.ts";
import { openRequestMacs } from "../../src/gateway/open-record.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const REQUEST: RequestContent = {
  id: "0199aaaa-0000-7000-8000-000000000001",
  account: "default",
  opUin: "100000000001" as Uin,
  caller: { subject: "alice", client: "portal", issuer: undefined },
  requested: { login: { phone: true }, overwriteOtherMethods: false },
  reason: "Lost.",
  expiresAt: new Date("2026-11-28T12:00:00.123Z"),
};

function sealedBy(seal: Awaited<ReturnType<typeof openRequestMacs>>): ChangeRecord {
  const { expiresAt, ...request } = REQUEST;
  const approval = { expiresAt, decision: undefined };
  return { ...request, approval, requestMac: seal?.create(REQUEST) } as unknown as ChangeRecord;
}

const POSTGRES = { kind: "postgres", url: { file: "url" }, maxConnections: 3 } as const;

describe("the key that seals requests for approval", () => {
  test("is the signing key in both modes, and server mode has no other", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const keys = { privateKey, previousKey: undefined };
    const [one, other] = [
      await openRequestMacs({ mode: "server", store: POSTGRES }, keys),
      await openRequestMacs({ mode: "local", store: POSTGRES }, keys),
    ];
    expect(other?.check(sealedBy(one))).toBe("GENUINE");
    expect(await openRequestMacs({ mode: "server", store: POSTGRES }, undefined)).toBeUndefined();
  });

  test("is a key in the data folder in local mode, which survives restarts and only its owner can read", async () => {
    const { path } = await temporaryFolder();
    const config = { mode: "local", store: { kind: "pglite", dataDir: path } } as const;
    const first = await openRequestMacs(config, undefined);
    const again = await openRequestMacs(config, undefined);
    expect(again?.check(sealedBy(first))).toBe("GENUINE");
    const file = join(path, "approval-key");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await writeFile(file, "damaged");
    const renewed = await openRequestMacs(config, undefined);
    expect(renewed?.check(sealedBy(first))).toBe("UNKNOWN_KEY");
    expect(await readFile(file, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test("lasts as long as the process in local mode on PostgreSQL", async () => {
    const [one, other] = [
      await openRequestMacs({ mode: "local", store: POSTGRES }, undefined),
      await openRequestMacs({ mode: "local", store: POSTGRES }, undefined),
    ];
    expect(one?.check(sealedBy(one))).toBe("GENUINE");
    expect(other?.check(sealedBy(one))).toBe("UNKNOWN_KEY");
  });
});
