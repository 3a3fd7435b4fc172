import { expect, test } from "vitest";
import { ALICE } from "../support/seed-users.ts";
import { startGate } from "../support/start-gate.ts";
import { startGateway } from "../support/start-gateway.ts";

test("a running gateway is live and ready", async () => {
  const { http } = await startGateway();
  const live = await http.get("/health/live");
  expect({ status: live.status, body: live.body }).toEqual({ status: 200, body: { status: "live" } });
  const ready = await http.get("/health/ready");
  expect({ status: ready.status, body: ready.body }).toEqual({ status: 200, body: { status: "ready" } });
});

test("a gateway that cannot reach CAM is ready", async () => {
  const { http } = await startGateway({ env: { CAM_ENDPOINT: "http://127.0.0.1:1" } });
  expect((await http.get("/health/ready")).status).toBe(200);
});

test("a stopping gateway finishes requests in flight and accepts no new connections", async () => {
  let gate: Awaited<ReturnType<typeof startGate>> | undefined;
  const { gateway, http, send, cam } = await startGateway({
    between: async (emulatorUrl) => {
      gate = await startGate(emulatorUrl);
      return gate.url;
    },
  });
  const held = gate?.hold("SetMfaFlag");
  const change = send(`mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy } }`);
  await held?.arrived;
  const stopped = [gateway.stop(), gateway.stop()];
  await expect(http.get("/health/live")).rejects.toThrow(/ECONN(REFUSED|RESET)/);
  held?.release();
  expect((await change).data).toEqual({ setSubUserMfa: { resolvedBy: "REPLY" } });
  await Promise.all(stopped);
  expect(cam.user(ALICE)?.loginFlag.Phone).toBe(1);
});

test("a second stop returns the promise of the first", async () => {
  const { gateway, send } = await startGateway();
  await send("{ __typename }");
  expect(gateway.stop()).toBe(gateway.stop());
  await gateway.stop();
});

test("a gateway whose port is in use fails to start and stops its other parts", async () => {
  const { gateway } = await startGateway();
  const { port } = new URL(gateway.address.url);
  await expect(startGateway({ env: { PORT: port } })).rejects.toMatchObject({ code: "EADDRINUSE" });
});
