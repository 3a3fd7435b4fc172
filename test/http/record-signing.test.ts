import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { CHECKPOINTS } from "../../src/audit/chain.ts";
import { readAnchorFile } from "../../src/audit/chain-anchors.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { startGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("a gateway with a signing key writes its anchor to the file and the log, and continues from it after a restart", async () => {
  const folder = await temporaryFolder();
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  const env = {
    DATABASE_URL: await createTestPostgres(),
    AUDIT_SIGNING_KEY_FILE: await folder.write("key.pem", String(pem)),
    AUDIT_ANCHOR_FILE: folder.at("anchor.json"),
    AUDIT_CHECKPOINT_INTERVAL_S: "1",
  };
  const events = (lines: readonly string[]) =>
    lines.map((line) => JSON.parse(line)).filter(({ event }) => String(event).startsWith("record."));
  const first = await startGateway({ env });
  expect(events(first.logLines)[0]).toMatchObject({ event: "record.no_anchor", chain: CHECKPOINTS });
  const signed = (seq: number) =>
    expect
      .poll(() => events(first.logLines).at(-1), { timeout: 20_000 })
      .toMatchObject({
        ...{ event: "record.signed", chain: CHECKPOINTS, seq },
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
  // The first record is the event of the new account.
  await signed(1);
  const { errors } = await first.send(
    `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`,
  );
  expect(errors).toEqual([]);
  await signed(2);
  const { hash } = events(first.logLines).at(-1);
  expect((await readAnchorFile(env.AUDIT_ANCHOR_FILE)).get(CHECKPOINTS)).toEqual({ seq: 2, hash });
  await first.gateway.stop();
  const again = await startGateway({ env });
  expect(events(again.logLines)).toEqual([]);
});

test("a gateway that cannot write its anchor file does not start", async () => {
  const folder = await temporaryFolder();
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
  const AUDIT_SIGNING_KEY_FILE = await folder.write("key.pem", String(pem));
  const env = { AUDIT_SIGNING_KEY_FILE, AUDIT_ANCHOR_FILE: folder.at("nowhere/anchor.json") };
  await expect(startGateway({ env })).rejects.toMatchObject({ name: "AnchorFileError" });
});
