import type { Clock } from "../../../src/clock.ts";
import {
  type EmulatorControl,
  loadSeedFile,
  parseSeed,
  type SeedInput,
  startCamEmulator,
} from "../../../src/emulator/index.ts";
import { keepSecret } from "../../support/leaks/written.ts";
import { signingKey } from "../../support/signing-key.ts";
import { type Reply, readReply, startGateway } from "../../support/start-gateway.ts";
import { startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { whenOver } from "../../support/when-over.ts";

/** The user behind the key of the partner's account, and the key. */
export const PARTNER_OWNER = "100021969098";
export const PARTNER_KEY = { secretId: "AKIDPARTNEREXAMPLE", secretKey: "PartnerExampleSecretKey" };

const POLICY = {
  accounts: {
    partner: { callers: { subjects: ["wang", "zhou", "local"] } },
    // An account that is not configured, and that Wang may use.
    missing: { callers: { subjects: ["wang"] } },
  },
  rules: [{ id: "everybody", effect: "allow" }],
};

export interface WorldOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The rules of the policy. By default every caller may change every user. */
  readonly rules?: readonly object[];
  /** Settings that replace or extend the defaults of the partner's account. */
  readonly partner?: Readonly<Record<string, unknown>>;
  /** Content that replaces or extends the default seed of the partner's CAM. */
  readonly seed?: Partial<SeedInput>;
  /** Instead of tokens, every request comes from the caller of local mode, who may use every account. */
  readonly everybody?: true;
  /** By default the system's clock. */
  readonly clock?: Clock;
  /** Called before the gateway starts. */
  readonly prepare?: (partner: EmulatorControl) => void;
}

/**
 * Starts a gateway in server mode for two accounts, each with its own CAM: the default account and “partner”. The
 * policy permits Wang to use “partner”.
 */
export async function startAccountsWorld(options: WorldOptions = {}) {
  const partner = await startPartner(options.seed);
  options.prepare?.(partner.control);
  const folder = await temporaryFolder();
  keepSecret("the partner's key", PARTNER_KEY.secretKey);
  const idFile = await folder.write("partner-id", PARTNER_KEY.secretId);
  const keyFile = await folder.write("partner-key", PARTNER_KEY.secretKey);
  const entry = {
    endpoint: partner.url,
    serviceHost: "cam.tencentcloudapi.com",
    credentials: { secretId: { file: idFile }, secretKey: { file: keyFile } },
    ...options.partner,
  };
  const writeAccounts = (accounts: object) => folder.write("accounts.json", JSON.stringify({ accounts }));
  const issuer = await startIssuer();
  const gateway = await startGateway({
    ...(options.everybody ? {} : { callers: "proved" as const }),
    ...(options.clock && { clock: options.clock }),
    env: {
      ...issuer.env,
      ...(await signingKey(folder)),
      CALLER_RATE_PER_SECOND: "0",
      POLICY_FILE: await folder.write(
        "policy.json",
        JSON.stringify({ ...POLICY, rules: options.rules ?? POLICY.rules }),
      ),
      CAM_ACCOUNTS: await writeAccounts({ partner: entry }),
      ...options.env,
    },
  });
  const tokenOf = (subject: string) => issuer.sign({ claims: { sub: subject } });
  return {
    ...gateway,
    tokenOf,
    /** The partner's CAM. */
    partner: partner.control,
    /** The partner's settings in the file of accounts. */
    entry,
    /** Replaces the accounts of the file. */
    writeAccounts,
    folder,
    /** Replaces the key in the partner's files. */
    async rotate(key: typeof PARTNER_KEY): Promise<void> {
      await folder.write("partner-id", key.secretId);
      await folder.write("partner-key", key.secretKey);
    },
    async ask(
      query: string,
      subject: string,
      variables: object = {},
      idempotencyKey?: string,
    ): Promise<Reply> {
      const request = gateway.http.post("/graphql").set("authorization", `Bearer ${await tokenOf(subject)}`);
      if (idempotencyKey !== undefined) void request.set("idempotency-key", idempotencyKey);
      return readReply(await request.send({ query, variables }));
    },
  };
}

/** Starts the CAM of another account: the same Uins are other users, and another user has the key. */
export async function startPartner(
  more: Partial<SeedInput> = {},
): Promise<{ readonly url: string; readonly control: EmulatorControl }> {
  const seed = loadSeedFile();
  const [user] = seed.keys;
  if (user === undefined) throw new Error("The seed has no key.");
  const emulator = await startCamEmulator({
    randomSeed: 2,
    seed: parseSeed({
      ...seed,
      account: { ...seed.account, ownerUin: "200000000001" },
      keys: [{ ...user, ...PARTNER_KEY, uin: PARTNER_OWNER }],
      roles: [],
      users: seed.users.map((each) => ({ ...each, remark: "of the partner" })),
      ...more,
    }),
  });
  whenOver(() => emulator.stop());
  return emulator;
}

export function codesOf({ errors }: Reply): unknown[] {
  return errors.map(({ extensions }) => extensions["code"]);
}
