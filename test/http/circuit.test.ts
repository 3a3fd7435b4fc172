import { expect, test } from "vitest";
import { startWorld, usersFrom } from "./many-users-world.ts";

const OPEN = "CAM_CIRCUIT_OPEN";
const BROKEN = { writeError: { code: "InternalError" } };

/** Short timeouts, so that changes end while the test waits. */
const SHORT = { CAM_TIMEOUT_MS: "500", CAM_DEADLINE_MS: "1500" };

test("four users whose writes always fail do not open the circuit for other users", async () => {
  const { cam, put, change } = await startWorld({ env: SHORT });
  const broken = usersFrom(0, 4);
  const others = usersFrom(100, 25);
  put(broken, BROKEN);
  put(others);
  let isOver = false;
  const attack = broken.map(async (uin) => {
    do await change("mallory", uin);
    while (!isOver);
  });
  await expect
    .poll(() => cam.journal({ action: "SetMfaFlag" }).length, { timeout: 10_000 })
    .toBeGreaterThan(9);
  const codes = await Promise.all(others.map((uin) => change("bob", uin)));
  isOver = true;
  await Promise.all(attack);
  expect(codes).not.toContain(OPEN);
});

test("a caller with many failing users does not open the circuit for a caller who has had a success", async () => {
  const { put, change } = await startWorld({ env: SHORT });
  const broken = usersFrom(0, 40);
  put(broken, BROKEN);
  const others = usersFrom(100, 26);
  put(others);
  const first = await Promise.all(broken.map((uin) => change("mallory", uin)));
  expect(first).not.toContain(undefined);
  // The circuit may be open, because no other caller has made a call yet. The first probe comes after a second.
  const [probe = "", ...rest] = others;
  await expect.poll(() => change("bob", probe), { timeout: 10_000 }).toBeUndefined();
  const attack = Promise.all(broken.map((uin) => change("mallory", uin)));
  const codes = await Promise.all(rest.map((uin) => change("bob", uin)));
  await attack;
  expect(codes).not.toContain(OPEN);
});

test("400 parallel changes of one user that miss their deadlines leave the circuit closed", async () => {
  const { cam, put, change } = await startWorld({ env: { ...SHORT, MAX_CONNECTIONS: "2000" } });
  const [crowded = "", ...others] = usersFrom(0, 11);
  put([crowded, ...others]);
  cam.addFault({ kind: "delay", delayMs: 200, opUin: crowded });
  const crowd = Promise.all(
    Array.from({ length: 400 }, (_, at) =>
      change("mallory", crowded, `phone: ${at % 2 === 0}, stoken: ${at % 3 === 0}`),
    ),
  );
  const codes: unknown[] = [];
  for (const uin of others) codes.push(await change("bob", uin));
  expect(await crowd).not.toContain(OPEN);
  expect(await change("mallory", others[0] ?? "", "phone: false")).toBeUndefined();
  expect(codes).not.toContain(OPEN);
});

test("operations that CAM answers after their own deadline leave the circuit closed", async () => {
  const { cam, put, read } = await startWorld({ env: { CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "1000" } });
  const users = usersFrom(0, 10);
  put(users);
  cam.addFault({ kind: "delay", delayMs: 1_300 });
  const codes = await Promise.all(users.map((uin) => read("bob", uin)));
  expect(new Set(codes)).toEqual(new Set(["CAM_TIMEOUT"]));
  cam.clearFaults();
  expect(await read("bob", users[0] ?? "")).toBeUndefined();
});

test.each([
  ["fails for every user", { kind: "httpStatus", status: 503 } as const],
  ["breaks every connection", { kind: "cutBefore" } as const],
  ["never answers", { kind: "silence" } as const],
])("if CAM %s, the circuit opens, and it closes soon after CAM recovers", async (_what, fault) => {
  const { cam, put, read } = await startWorld({ env: { CAM_TIMEOUT_MS: "200", CAM_DEADLINE_MS: "3000" } });
  const users = usersFrom(0, 30);
  put(users);
  await Promise.all(users.slice(0, 10).map((uin) => read("bob", uin)));
  cam.addFault(fault);
  const down = async (): Promise<readonly unknown[]> =>
    Promise.all(users.map((uin, at) => read(at % 3 === 0 ? "carol" : "bob", uin)));
  await down();
  const refused = await down();
  expect(refused.filter((code) => code === OPEN).length).toBeGreaterThan(20);
  cam.clearFaults();
  await expect.poll(() => read("bob", users[0] ?? ""), { timeout: 10_000, interval: 50 }).toBeUndefined();
  const codes = await Promise.all(users.map((uin) => read("carol", uin)));
  expect(codes.filter((code) => code !== undefined)).toEqual([]);
});

test("an open circuit sends CAM one call a second", async () => {
  const { cam, put, read } = await startWorld({ env: { CAM_TIMEOUT_MS: "200", CAM_DEADLINE_MS: "3000" } });
  const users = usersFrom(0, 30);
  put(users);
  const { id } = cam.addFault({ kind: "httpStatus", status: 503, action: "DescribeSafeAuthFlagColl" });
  const struck = (): number => cam.faults().find((fault) => fault.id === id)?.struck ?? 0;
  await Promise.all(users.map((uin) => read("bob", uin)));
  const before = struck();
  const beganMs = performance.now();
  while (performance.now() - beganMs < 2_500) await Promise.all(users.map((uin) => read("bob", uin)));
  const seconds = Math.ceil((performance.now() - beganMs) / 1_000);
  expect(struck()).toBeGreaterThan(before);
  expect(struck() - before).toBeLessThanOrEqual(seconds + 1);
});
