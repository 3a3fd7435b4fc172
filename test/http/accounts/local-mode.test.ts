import { expect, test } from "vitest";
import { createTestPostgres } from "../../support/open-test-database.ts";
import { ALICE } from "../../support/seed-users.ts";
import { startLocalGateway } from "../../support/start-gateway.ts";
import { sendTo } from "../../support/started-router.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { whenOver } from "../../support/when-over.ts";

test("in local mode an account without an endpoint has its own emulator", async () => {
  const folder = await temporaryFolder();
  const gateway = await startLocalGateway({
    DATABASE_URL: await createTestPostgres(),
    CAM_ACCOUNTS: await folder.write("accounts.json", '{"accounts": {"partner": {"ratePerSecond": 7}}}'),
  });
  whenOver(() => gateway.stop());
  const { url, emulators } = gateway.address;
  expect([...emulators.keys()]).toEqual(["default", "partner"]);
  const change = `mutation {
    setSubUserMfa(opUin: "${ALICE}", account: "partner", login: { phone: true }) { change { account } }
  }`;
  expect(await sendTo(url, change)).toMatchObject({
    errors: [],
    data: { setSubUserMfa: { change: { account: "partner" } } },
  });
  const both = `{
    here: subUser(opUin: "${ALICE}") { mfa { login { phone } } }
    there: subUser(opUin: "${ALICE}", account: "partner") { mfa { login { phone } } }
    camQuota { account action ratePerSecond }
  }`;
  expect((await sendTo(url, both)).data).toMatchObject({
    here: { mfa: { login: { phone: false } } },
    there: { mfa: { login: { phone: true } } },
    camQuota: expect.arrayContaining([{ account: "partner", action: "SetMfaFlag", ratePerSecond: 7 }]),
  });
});
