import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";

/** Ends by the number of attempts and not by time, so that nothing depends on the machine's speed. */
const PATIENT = { ...UNLIMITED.env, CAM_DEADLINE_MS: "60000" };

export function startSound(): Promise<StartedGateway> {
  return startGateway({ ...UNLIMITED, env: PATIENT });
}

/** It does not wait long for CAM's answers. */
export function startImpatient(): Promise<StartedGateway> {
  return startGateway({ ...UNLIMITED, env: { ...PATIENT, CAM_TIMEOUT_MS: "1000" } });
}

/** CAM cannot be reached. */
export function startUnreachable(): Promise<StartedGateway> {
  return startGateway({ env: { ...PATIENT, CAM_ENDPOINT: "http://127.0.0.1:1" } });
}

/** CAM throttles every write. After each throttle a gateway spares CAM for a while, so few should stand before it. */
export async function startThrottled(): Promise<StartedGateway> {
  const started = await startSound();
  started.cam.addFault({ kind: "throttle", action: "SetMfaFlag" });
  return started;
}
