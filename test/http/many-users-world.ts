import { readReply, type StartOptions, startGateway } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";

/** Returns Uins for users that a test puts into the emulator. */
export const usersFrom = (first: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => String(100_021_980_000 + first + at));

/** Starts a gateway without a caller rate and bulk guard, and with callers who have tokens. */
export async function startWorld({ env, ...options }: StartOptions = {}) {
  const issuer = await startIssuer();
  const started = await startGateway({
    callers: "proved",
    emulator: { ratePerSecond: 1_000 },
    ...options,
    env: {
      ...issuer.env,
      ...{ CALLER_RATE_PER_SECOND: "0", CAM_RATE_PER_SECOND: "1000", BULK_GUARD_USERS: "0" },
      ...env,
    },
  });
  const tokens = new Map<string, Promise<string>>();
  const send = async (subject: string, query: string) => {
    const token = tokens.get(subject) ?? issuer.sign({ claims: { sub: subject } });
    tokens.set(subject, token);
    return readReply(
      await started.http
        .post("/graphql")
        .set("authorization", `Bearer ${await token}`)
        .send({ query }),
    );
  };
  const codeOf = async (subject: string, query: string): Promise<unknown> =>
    (await send(subject, query)).errors[0]?.extensions["code"];
  return {
    cam: started.cam,
    put: (uins: readonly string[], more = {}) => {
      for (const uin of uins)
        started.cam.putUser({ uin, name: `user-${uin}`, phone: "13800000000", ...more });
    },
    /** Makes a change and returns its error code, or undefined if the change was made. */
    change: (subject: string, opUin: string, login = "phone: true", reason = "test") =>
      codeOf(
        subject,
        `mutation { setSubUserMfa(opUin: "${opUin}", login: { ${login} }, reason: "${reason}") { requestId } }`,
      ),
    read: (subject: string, opUin: string) =>
      codeOf(subject, `{ subUser(opUin: "${opUin}") { mfa { login { phone } } } }`),
  };
}
