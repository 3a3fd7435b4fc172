import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { ALICE } from "../support/seed-users.ts";
import { startGateway } from "../support/start-gateway.ts";

const SECRETS = "at /srv/secret/path.ts with SomebodyElsesSecretKey";

/** Starts a gateway with a broken clock, a fault that no part of the gateway handles. */
async function startWithBrokenClock() {
  let isBroken = false;
  const now = (): number => {
    if (isBroken) throw new TypeError(`The clock stands still ${SECRETS}`);
    return systemClock.now();
  };
  const started = await startGateway({ clock: { ...systemClock, now } });
  isBroken = true;
  return { ...started, repair: () => (isBroken = false) };
}

describe("an unexpected fault", () => {
  test.each([
    ["setSubUserMfa", `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`],
    [
      "trySetSubUserMfa",
      `mutation { trySetSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { __typename } }`,
    ],
    ["subUser", `{ subUser(opUin: "${ALICE}") { name } }`],
  ])("of %s is INTERNAL with only the request id, and the gateway logs it once", async (field, query) => {
    const { http, logLines } = await startWithBrokenClock();
    const { status, text } = await http.post("/graphql").set("x-request-id", "find-me").send({ query });
    expect(status).toBe(200);
    const { errors } = JSON.parse(text) as { readonly errors: readonly unknown[] };
    expect(errors).toEqual([
      {
        message: "Something went wrong inside the gateway.",
        locations: [expect.anything()],
        path: [field],
        extensions: { code: "INTERNAL", category: "INTERNAL", retryable: false, requestId: "find-me" },
      },
    ]);
    const logged = logLines.map((line) => JSON.parse(line)).filter(({ level }) => level === "error");
    expect(logged).toMatchObject([
      {
        requestId: "find-me",
        msg: "unexpected error",
        err: { type: "TypeError", message: expect.any(String) },
      },
    ]);
  });
});

test("the gateway answers again after the fault ends", async () => {
  const { send, repair } = await startWithBrokenClock();
  const query = `{ subUser(opUin: "${ALICE}") { name } }`;
  await send(query);
  repair();
  expect((await send(query)).data).toEqual({ subUser: { name: "alice" } });
});
