import { describe, expect, test } from "vitest";
import type { Scope } from "../../../src/auth/caller.ts";
import { ALICE, BOB, CAROL } from "../../support/seed-users.ts";
import { readReply, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { twoPersonPolicy } from "../../support/two-person-policy.ts";
import { changeIdOf, outcomeOf } from "./approval-world.ts";

const SCOPES: readonly Scope[] = ["cam.mfa:read", "cam.mfa:write", "cam.mfa:approve", "cam.audit:read"];
const CERTIFICATE = "CN=li,O=Example";

/** Starts a gateway with tokens and certificates, in which the certificate CN=li belongs to li@example.com. */
async function startWorld(env: Readonly<Record<string, string>> = {}) {
  const issuer = await startIssuer();
  const policy = await twoPersonPolicy([ALICE]);
  const owners = [{ certificate: CERTIFICATE, subject: "li@example.com" }];
  const file = await (await temporaryFolder()).write("owners.json", JSON.stringify({ certificates: owners }));
  const gateway = await startGateway({
    callers: "proved",
    emulator: UNLIMITED.emulator,
    env: {
      ...{ ...UNLIMITED.env, ...issuer.env, ...policy.env, CALLER_RATE_PER_SECOND: "0" },
      AUTH_CLIENT_CERT_HEADER: "x-client-cert",
      AUTH_CLIENT_CERT_SCOPES: SCOPES.join(","),
      AUTH_CLIENT_CERT_SUBJECTS_FILE: file,
      AUTH_PROXY_ADDRESSES: "127.0.0.1",
      ...env,
    },
  });
  const post = async (query: string, headers: Readonly<Record<string, string>>) =>
    readReply(await gateway.http.post("/graphql").set(headers).send({ query }));
  return {
    gateway,
    byToken: async (sub: string, query: string, headers: Readonly<Record<string, string>> = {}) => {
      const token = await issuer.sign({ claims: { sub, scope: SCOPES.join(" ") } });
      return post(query, { authorization: `Bearer ${token}`, ...headers });
    },
    byCertificate: (name: string, query: string, headers: Readonly<Record<string, string>> = {}) =>
      post(query, { "x-client-cert": name, ...headers }),
  };
}

const ask = (opUin: string) => `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) {
  change { id caller { subject issuer } }
} }`;
const approve = (id: string) => `mutation { approveMfaChange(id: "${id}") { requestId } }`;

describe("a person", () => {
  test("cannot approve their own request under another spelling or with their certificate", async () => {
    const { gateway, byToken, byCertificate } = await startWorld();
    const id = changeIdOf(await byToken("li@example.com", ask(ALICE)));
    for (const spelling of ["Li@Example.com", "LI@EXAMPLE.COM", " li@example.com ", "ｌｉ@example.com"]) {
      expect(outcomeOf(await byToken(spelling, approve(id))), spelling).toBe("FORBIDDEN");
    }
    expect(outcomeOf(await byCertificate(CERTIFICATE, approve(id)))).toBe("FORBIDDEN");
    expect(gateway.cam.journal({ action: "SetMfaFlag" })).toEqual([]);
    // A certificate without an owner in the file is a caller by its own name.
    expect(outcomeOf(await byCertificate("CN=chen,O=Example", approve(id)))).toEqual({
      requestId: expect.any(String),
    });
  });

  test("has one identity with a certificate and with a token: one set of idempotency keys and one name on record", async () => {
    const { byToken, byCertificate } = await startWorld();
    const key = { "idempotency-key": "key-1" };
    const first = outcomeOf(await byToken("li@example.com", ask(CAROL), key));
    const second = outcomeOf(await byCertificate(CERTIFICATE, ask(CAROL), key));
    expect(second).toEqual(first);
    const other = outcomeOf(await byCertificate("CN=Li,O=Example", ask(CAROL), key));
    expect(other).not.toEqual(first);
    expect(other).toMatchObject({ change: { caller: { issuer: "client certificate" } } });
  });

  test("has one bulk guard and one pause with a certificate and with a token", async () => {
    const { byToken, byCertificate } = await startWorld({ BULK_GUARD_USERS: "1" });
    expect(outcomeOf(await byToken("li@example.com", ask(CAROL)))).toMatchObject({ change: {} });
    expect(outcomeOf(await byCertificate(CERTIFICATE, ask(BOB)))).toBe("CALLER_PAUSED");
    expect(outcomeOf(await byToken("li@example.com", ask(CAROL)))).toBe("CALLER_PAUSED");
  });

  test("has at most five changes of a user that await approval, and the error names the oldest", async () => {
    const { byToken, byCertificate } = await startWorld();
    const asked = (at: number) => ask(ALICE).replace("login", `reason: "Reason ${at}", login`);
    const first = changeIdOf(await byToken("li@example.com", asked(0)));
    // A request with the same effect joins, even with another reason.
    const same = await Promise.all(
      Array.from({ length: 20 }, (_, at) => byToken("li@example.com", asked(at))),
    );
    expect(new Set(same.map(changeIdOf))).toEqual(new Set([first]));
    const replies: Awaited<ReturnType<typeof byToken>>[] = [];
    for (let at = 0; at < 24; at += 4) {
      const four = [at, at + 1, at + 2, at + 3].map((each) => {
        const key = { "idempotency-key": `key-${each}` };
        return each % 2 === 0
          ? byToken("li@example.com", asked(each), key)
          : byCertificate(CERTIFICATE, asked(each), key);
      });
      replies.push(...(await Promise.all(four)));
    }
    const codes = replies.map(outcomeOf);
    expect(codes.filter((code) => code === "APPROVAL_REQUIRED")).toHaveLength(4);
    const refused = replies.filter((reply) => outcomeOf(reply) === "CHANGE_IN_PROGRESS");
    expect(refused).toHaveLength(20);
    for (const reply of refused) {
      expect(changeIdOf(reply)).toBe(first);
      expect(reply.errors[0]?.message).toContain("Five changes of this user");
    }
    // A recorded idempotency key still returns its change.
    const kept = codes.indexOf("APPROVAL_REQUIRED");
    const again = await byToken("li@example.com", asked(kept), { "idempotency-key": `key-${kept}` });
    expect(changeIdOf(again)).toBe(changeIdOf(replies[kept] as typeof again));
    // The limit does not affect other callers.
    expect(outcomeOf(await byToken("chen", asked(0)))).toBe("APPROVAL_REQUIRED");
  });
});
