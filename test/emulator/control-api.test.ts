import { request } from "node:http";
import { expect, test } from "vitest";
import { loadSeedFile } from "../../src/emulator/index.ts";
import { callCam, codeOf } from "./call-cam.ts";
import { sendRaw } from "./send-raw.ts";
import { type RecordedEmulator, startEmulator } from "./start-emulator.ts";

const ALICE = "100021969091";

/** Calls the control API over HTTP. */
async function control(emulator: RecordedEmulator, route: string, body?: unknown) {
  const [method = "", target = ""] = route.split(" ");
  const reply = await sendRaw(emulator.controlUrl, {
    method,
    target,
    headers: [
      ["Host", "control"],
      ["Content-Type", "application/json"],
    ],
    body: body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: reply.status, body: JSON.parse(reply.body.toString()) };
}

const BAD_INPUT: [route: string, body: unknown, problem: RegExp][] = [
  ["PUT /seed", undefined, /expected object/],
  ["PUT /seed", { account: {}, keys: [], users: [] }, /account\.ownerUin/],
  ["PUT /seed", { ...loadSeedFile(), extra: 1 }, /extra/],
  ["PUT /seed", "not json", /JSON/],
  [`PUT /users/${ALICE}`, [], /expected record/],
  [`PUT /users/${ALICE}`, { phone: 13800000000 }, /phone: .*expected string/],
  [`PUT /users/${ALICE}`, { telephone: "1" }, /telephone/],
  [`PUT /users/${ALICE}`, { loginFlag: { Phone: 2 } }, /loginFlag\.Phone/],
  [`PUT /users/${ALICE}`, { loginFlag: { Sms: 1 } }, /Sms/],
  ["PUT /users/0123", { name: "x" }, /uin: must be a decimal string/],
  ["PUT /users/18446744073709551616", { name: "x" }, /uin: must be at most 2\^64-1/],
  ["PUT /users/100021969500", {}, /name/],
  ["PUT /keys", undefined, /expected object/],
  ["PUT /keys", { secretId: "LTAI1", secretKey: "x", uin: "1" }, /secretId: must start with AKID/],
  [
    "PUT /keys",
    { secretId: "AKID1", secretKey: "x", uin: "1", kind: "temporary" },
    /token: belongs to temporary keys/,
  ],
  [
    "PUT /keys",
    { secretId: "AKID1", secretKey: "x", uin: "1", token: "t" },
    /token: belongs to temporary keys/,
  ],
  ["PUT /keys", { secretId: "AKID1", secretKey: "x", uin: "1", expiresAt: "tomorrow" }, /expiresAt/],
  ["PUT /keys/AKIDLOCALEXAMPLE", { expiresAt: "tomorrow" }, /expiresAt/],
  ["PUT /keys/AKIDLOCALEXAMPLE", { name: "x" }, /name/],
  ["PUT /key-lifetime", { lifetimeSeconds: 0 }, /lifetimeSeconds/],
  ["PUT /key-lifetime", {}, /lifetimeSeconds/],
  ["POST /faults", undefined, /expected object/],
  ["POST /faults", { kind: "earthquake" }, /kind/],
  ["POST /faults", { kind: "httpStatus" }, /status/],
  ["POST /faults", { kind: "httpStatus", status: 200 }, /status/],
  ["POST /faults", { kind: "delay" }, /delayMs/],
  ["POST /faults", { kind: "camError" }, /code/],
  ["POST /faults", { kind: "throttle", action: "SetMfaFlags" }, /action/],
  ["POST /faults", { kind: "throttle", opUin: 100021969091 }, /opUin/],
  ["POST /faults", { kind: "throttle", times: 0 }, /times/],
  ["POST /faults", { kind: "throttle", probability: 1.5 }, /probability/],
  ["POST /faults", { kind: "cutAfter", apply: false }, /apply/],
  ["PUT /clock", undefined, /expected object/],
  ["PUT /clock", { offset: 1 }, /offset/],
  ["PUT /clock", { offsetMs: 0.5 }, /offsetMs/],
  ["PUT /clock", { advanceMs: -1 }, /advanceMs/],
  ["PUT /clock", { atMs: 1 }, /atMs: requires frozen: true/],
  ["GET /journal?uin=1", undefined, /uin/],
];

test.each(BAD_INPUT)("%s %o returns 400 with the mistake", async (route, body, problem) => {
  const emulator = await startEmulator();
  const before = [emulator.control.users(), emulator.control.keys(), emulator.control.faults()];
  const reply = await control(emulator, route, body);
  expect(reply.status).toBe(400);
  expect(reply.body.problems.join("\n")).toMatch(problem);
  expect([emulator.control.users(), emulator.control.keys(), emulator.control.faults()]).toEqual(before);
});

test.each([
  ["GET /nothing", 404],
  ["GET /users/100021969500", 404],
  ["DELETE /users/100021969500", 404],
  ["DELETE /keys/AKIDNOBODY", 404],
  ["DELETE /faults/fault-9", 404],
  ["POST /users", 405],
  ["DELETE /clock", 405],
])("%s returns %i", async (route, status) => {
  const emulator = await startEmulator();
  expect((await control(emulator, route)).status).toBe(status);
});

test("one error names all bad fields of an input", async () => {
  const emulator = await startEmulator();
  const reply = await control(emulator, "POST /faults", { kind: "httpStatus", status: 1, times: -1 });
  expect(reply.body.problems).toHaveLength(2);
});

test("GET / lists the routes", async () => {
  const emulator = await startEmulator();
  const { body } = await control(emulator, "GET /");
  expect(body.routes).toEqual(expect.arrayContaining(["POST /reset", "PUT /seed", "GET /users/:name"]));
});

test("the API lists, reads, creates, changes and deletes users", async () => {
  const emulator = await startEmulator();
  expect((await control(emulator, "GET /users")).body).toHaveLength(10);
  const changed = await control(emulator, `PUT /users/${ALICE}`, { phone: null });
  expect(changed.body).toMatchObject({ name: "alice", phone: null, wechatBound: true });
  expect((await control(emulator, `GET /users/${ALICE}`)).body).toEqual(changed.body);
  const created = await control(emulator, "PUT /users/100021969500", {
    name: "ivan",
    actionFlag: { Mail: 1 },
  });
  expect(created.body).toMatchObject({ uin: "100021969500", phone: null, actionFlag: { Mail: 1, Phone: 0 } });
  expect(await codeOf(emulator, "GetUser", { Name: "ivan" })).toBe("Success");
  expect((await control(emulator, "DELETE /users/100021969500")).status).toBe(200);
  expect(await codeOf(emulator, "GetUser", { Name: "ivan" })).toBe("ResourceNotFound.UserNotExist");
});

test("the API lists keys without their secrets, adds and deletes keys", async () => {
  const emulator = await startEmulator();
  const key = { secretId: "AKIDEXTRA", secretKey: "VerySecret", uin: "100021969090" };
  const added = await control(emulator, "PUT /keys", key);
  const listed = await control(emulator, "GET /keys");
  expect(listed.body).toHaveLength(4);
  for (const secret of ["VerySecret", "LocalExampleSecretKey", "LocalExampleToken"]) {
    expect(JSON.stringify([added, listed])).not.toContain(secret);
  }
  expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("Success");
  await control(emulator, "DELETE /keys/AKIDEXTRA");
  expect(await codeOf(emulator, "ListUsers", {}, key)).toBe("AuthFailure.SecretIdNotFound");
});

test("the API sets, lists and deletes faults, one or all", async () => {
  const emulator = await startEmulator();
  const set = await control(emulator, "POST /faults", { kind: "camError", code: "InternalError" });
  expect(set).toMatchObject({ status: 201, body: { id: "fault-1", struck: 0, probability: 1 } });
  expect(await codeOf(emulator, "ListUsers", {})).toBe("InternalError");
  expect((await control(emulator, "GET /faults")).body).toMatchObject([{ id: "fault-1", struck: 1 }]);
  await control(emulator, "DELETE /faults/fault-1");
  expect((await control(emulator, "GET /faults")).body).toEqual([]);
  await control(emulator, "POST /faults", { kind: "throttle" });
  await control(emulator, "DELETE /faults");
  expect(await codeOf(emulator, "ListUsers", {})).toBe("Success");
});

test("the clock is set over HTTP", async () => {
  const emulator = await startEmulator();
  const { body } = await control(emulator, "PUT /clock", {
    frozen: true,
    atMs: 1_795_487_117_000,
    advanceMs: 1000,
  });
  expect(body).toMatchObject({ now: "2026-11-24T02:25:18.000Z", frozen: true });
  expect((await control(emulator, "GET /clock")).body).toEqual(body);
});

test("the journal lists every request in order, by action and by user, until it is cleared", async () => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true, atMs: 1_795_487_117_000 });
  await callCam(emulator, "SetMfaFlag", { OpUin: Number(ALICE), LoginFlag: { Stoken: 1 } });
  await callCam(emulator, "DescribeSubAccounts", { FilterSubAccountUin: [Number(ALICE), 100021969092] });
  await callCam(emulator, "ListUsers", {}, { secretKey: "wrong" });
  const { body } = await control(emulator, "GET /journal");
  expect(body).toEqual([
    {
      requestId: expect.any(String),
      time: "2026-11-24T02:25:17.000Z",
      arrivedAtMs: expect.any(Number),
      traceId: null,
      scheme: "TC3-HMAC-SHA256",
      action: "SetMfaFlag",
      keyId: "AKIDLOCALEXAMPLE",
      opUin: ALICE,
      opUins: [ALICE],
      outcome: "Success",
      applied: true,
      fault: null,
    },
    expect.objectContaining({ action: "DescribeSubAccounts", opUin: null, opUins: [ALICE, "100021969092"] }),
    expect.objectContaining({ action: "ListUsers", outcome: "AuthFailure.SignatureFailure", applied: false }),
  ]);
  expect((await control(emulator, "GET /journal?action=ListUsers")).body).toHaveLength(1);
  expect((await control(emulator, `GET /journal?opUin=${ALICE}`)).body).toHaveLength(2);
  expect((await control(emulator, `GET /journal?opUin=${ALICE}&action=SetMfaFlag`)).body).toHaveLength(1);
  await control(emulator, "DELETE /journal");
  expect((await control(emulator, "GET /journal")).body).toEqual([]);
});

test("the API returns the counters", async () => {
  const emulator = await startEmulator();
  await callCam(emulator, "ListUsers", {});
  expect((await control(emulator, "GET /counters")).body).toEqual({
    ListUsers: { received: 1, accepted: 1, throttled: 0, applied: 0, peakPerSecond: 1 },
  });
});

test("a reset restores the initial state, RequestIds included", async () => {
  const emulator = await startEmulator({ ratePerSecond: 1 });
  const first = await callCam(emulator, "SetMfaFlag", { OpUin: Number(ALICE), LoginFlag: { Phone: 1 } });
  emulator.control.putKey({ secretId: "AKIDEXTRA", secretKey: "x", uin: "100021969090" });
  emulator.control.addFault({ kind: "throttle" });
  emulator.control.setClock({ offsetMs: 1_000_000, frozen: true });
  expect((await control(emulator, "POST /reset")).status).toBe(200);
  expect(emulator.control.user(ALICE)?.loginFlag).toMatchObject({ Phone: 0, Stoken: 1 });
  expect(emulator.control.keys()).toHaveLength(3);
  expect(emulator.control.faults()).toEqual([]);
  expect(emulator.control.journal()).toEqual([]);
  expect(emulator.control.counters()).toEqual({});
  expect(emulator.control.clock()).toMatchObject({ offsetMs: 0, frozen: false });
  const again = await callCam(emulator, "SetMfaFlag", { OpUin: Number(ALICE), LoginFlag: { Phone: 1 } });
  expect(again).toEqual(first);
});

test("another seed replaces the account, and a reset restores that seed", async () => {
  const emulator = await startEmulator();
  const seed = {
    account: { ownerUin: "100000000002", uinRanges: [{ from: "200000000000", to: "200000000009" }] },
    keys: [{ secretId: "AKIDOTHER", secretKey: "OtherKey", uin: "200000000001" }],
    users: [{ uin: "200000000001", name: "judy" }],
  };
  expect((await control(emulator, "PUT /seed", seed)).status).toBe(200);
  const key = { secretId: "AKIDOTHER", secretKey: "OtherKey" };
  const write = (uin: number) =>
    codeOf(emulator, "SetMfaFlag", { OpUin: uin, LoginFlag: { Stoken: 1 } }, key);
  expect(await codeOf(emulator, "ListUsers", {})).toBe("AuthFailure.SecretIdNotFound");
  expect(await write(200000000001)).toBe("Success");
  expect(await write(200000000002)).toBe("ResourceNotFound.UserNotExist");
  expect(await write(100021969091)).toBe("InvalidParameter.UserNotExist");
  await control(emulator, "POST /reset");
  expect(emulator.control.users()).toMatchObject([{ name: "judy", loginFlag: { Stoken: 0 } }]);
});

test("the in-process handle returns copies, so a change of one has no effect", async () => {
  const emulator = await startEmulator();
  const [user] = emulator.control.users();
  if (user) user.loginFlag.Phone = 1;
  expect(emulator.control.users()[0]?.loginFlag.Phone).toBe(0);
  expect(() => emulator.control.putUser({ uin: "x" })).toThrow(/uin: must be a decimal string/);
});

async function ask(headers: Record<string, string>, body = "", method = "POST", path = "/reset") {
  const emulator = await startEmulator();
  const url = new URL(path, emulator.controlUrl);
  return new Promise<number | undefined>((resolve, reject) => {
    const sent = request(url, { method, headers: { host: url.host, ...headers } }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject).end(body);
  });
}

test.each<[name: string, status: number]>([
  ["evil.example", 421],
  ["evil.example:4101", 421],
  ["127.0.0.1.evil.example", 421],
  ["localhost.", 421],
  ["localhost:1", 200],
  ["127.0.0.1", 200],
  ["[::1]:4101", 200],
  ["emulator:4101", 200],
])("a request to the control API with the Host header %s gets status %i", async (host, status) => {
  expect(await ask({ host })).toBe(status);
});

test.each(["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])(
  "a request from a page of the origin %s is refused",
  async (origin) => {
    expect(await ask({ origin })).toBe(403);
    expect(await ask({ origin }, "", "GET", "/users")).toBe(403);
  },
);

test.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "",
  "application/jsonp",
])("a body with the content type %j is refused", async (type) => {
  expect(await ask({ "content-type": type }, '{"frozen": true}', "PUT", "/clock")).toBe(415);
});

test("JSON is accepted, also with a charset and from the same origin", async () => {
  const headers = {
    "content-type": "application/json; charset=utf-8",
    host: "localhost:1",
    origin: "http://localhost:1",
  };
  expect(await ask(headers, '{"frozen": true}', "PUT", "/clock")).toBe(200);
});
