import { expect, test } from "vitest";
import { runCommand } from "../cli/run-command.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { signingKey } from "../support/signing-key.ts";
import { startGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("a gateway on an older copy of its database serves, says what to run, and signs again afterwards", async () => {
  const folder = await temporaryFolder();
  const anchors = { chains: { checkpoints: { seq: 9, hash: "a".repeat(64) } } };
  const env = {
    ...(await signingKey(folder)),
    AUDIT_ANCHOR_FILE: await folder.write("anchor.json", JSON.stringify(anchors)),
    DATABASE_URL: await createTestPostgres(),
  };
  const { admin, send, logLines } = await startGateway({ env: { ...env, AUDIT_CHECKPOINT_INTERVAL_S: "1" } });
  const partOf = async () => {
    const { body } = await admin.get("/health/ready").expect(200);
    return [body.status, body.parts.find(({ part }: { part: string }) => part === "record")];
  };
  const patience = { timeout: 20_000 };
  await expect
    .poll(partOf, patience)
    .toMatchObject([
      "degraded",
      { state: "degraded", problem: expect.stringContaining("Run: cam-gateway audit accept-restore") },
    ]);
  expect(logLines.some((line) => line.includes('"event":"record.behind"'))).toBe(true);
  const change = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy } }`;
  expect((await send(change)).data).toEqual({ setSubUserMfa: { resolvedBy: "REPLY" } });
  expect(await runCommand("audit accept-restore", ["--yes"], env)).toMatchObject({ code: 0, stderr: "" });
  await expect.poll(partOf, patience).toMatchObject(["ready", { state: "ok" }]);
});
