import { beforeAll, expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway();
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test.each(["a", "trace.1:2_3-4", "x".repeat(64)])("a harmless id is kept: %s", async (id) => {
  const { http } = shared;
  const response = await http.post("/graphql").set("x-request-id", id).send({ query: "{ __typename }" });
  expect(response.headers["x-request-id"]).toBe(id);
});

test.each(["", "x".repeat(65), "a b", "a,b", "<script>", '"}', "ä", "a%0Ab"])(
  "an id that could disturb a log is replaced: %s",
  async (id) => {
    const { http } = shared;
    const response = await http.post("/graphql").set("x-request-id", id).send({ query: "{ __typename }" });
    expect(response.headers["x-request-id"]).toMatch(UUID);
  },
);

test("a request without an id gets a new one", async () => {
  const { send } = shared;
  const [one, other] = await Promise.all([send("{ __typename }"), send("{ __typename }")]);
  expect(one.headers["x-request-id"]).toMatch(UUID);
  expect(other.headers["x-request-id"]).not.toBe(one.headers["x-request-id"]);
});

test("the response, the error, every log line and CAM's journal have the same id", async () => {
  const { http, cam, logLines } = shared;
  const query = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
  cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "SetMfaFlag" });
  const response = await http.post("/graphql").set("x-request-id", "one-id").send({ query });
  expect(JSON.parse(response.text)).toMatchObject({ errors: [{ extensions: { requestId: "one-id" } }] });
  expect(cam.journal({ opUin: ALICE }).map(({ action, traceId }) => [action, traceId])).toEqual([
    ["DescribeSafeAuthFlagColl", "one-id"],
    ["SetMfaFlag", "one-id"],
  ]);
  const lines = logLines.map((line) => JSON.parse(line)).filter(({ requestId }) => requestId === "one-id");
  expect(lines.map(({ msg }) => msg)).toEqual(["CAM call", "CAM call failed", "MFA change not applied"]);
});
