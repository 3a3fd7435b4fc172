import { connect } from "node:tls";
import { explainConnectionFailure } from "../../connection-failures.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import { checkExpiry } from "./check-configuration.ts";
import { Fault, Group, Skip } from "./checkup.ts";

import { isRecord, sendProbe } from "./probe.ts";

/** Checks a running gateway by its GraphQL address. Changes nothing. */
export async function checkGateway(gateway: GatewayConnection): Promise<Group> {
  const group = new Group(`gateway ${gateway.url.href}`);
  const live = await group.check("it answers", [], async () => {
    const status = await statusOf("/health/live", gateway);
    if (status !== 200) {
      throw new Fault(
        "gateway.unreachable",
        `/health/live answers HTTP ${status}. Is that a gateway's address?`,
      );
    }
  });
  await group.check("its certificate is valid for a month", [live], async () => {
    if (gateway.url.protocol !== "https:") throw new Skip("because the address has no TLS");
    checkExpiry(await endOfCertificate(gateway), gateway.url.host);
  });
  await group.check("it is ready", [live], async () => {
    const status = await statusOf("/health/ready", gateway);
    if (status !== 200) throw new Fault("gateway.not-ready", `/health/ready answers HTTP ${status}.`);
  });
  await group.check("it accepts the login", [live], async () => {
    const answer = await sendProbe(gateway, "trySetSubUserMfa");
    if (answer.kind === "none") throw new Fault("gateway.login", answer.why);
    const failure = isRecord(answer.value) ? answer.value : answer.errors[0];
    const code = isRecord(answer.value) ? answer.value["code"] : answer.errors[0]?.extensions["code"];
    if (code === "NOTHING_TO_CHANGE") return;
    throw new Fault("gateway.login", `It answers ${String(code)}: ${String(failure?.["message"])}`);
  });
  return group;
}

/** Returns the HTTP status of a health path, which needs no login. @throws Fault */
async function statusOf(path: string, { url, timeoutMs }: GatewayConnection): Promise<number> {
  try {
    const response = await fetch(new URL(path, url), {
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.status;
  } catch (cause) {
    throw new Fault("gateway.unreachable", whyNoStatus(cause, timeoutMs), { cause });
  }
}

function whyNoStatus(error: unknown, timeoutMs: number): string {
  if ((error as Error).name === "TimeoutError") return `No answer arrived within ${timeoutMs / 1_000} s.`;
  const failure = explainConnectionFailure((error as Error).cause);
  return failure === undefined ? "It cannot be reached." : `${failure.why} (${failure.cause})`;
}

/** Returns the end of the served certificate. `it answers` has verified the certificate. */
function endOfCertificate({ url, timeoutMs }: GatewayConnection): Promise<Date> {
  const { promise, resolve, reject } = Promise.withResolvers<Date>();
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const socket = connect({ host, port: Number(url.port || 443), servername: host, timeout: timeoutMs });
  const fail = (): void => reject(new Fault("gateway.unreachable", "The TLS handshake failed."));
  socket.once("secureConnect", () => {
    resolve(new Date(socket.getPeerCertificate().valid_to));
    socket.destroy();
  });
  socket
    .once("error", fail)
    .once("timeout", () => socket.destroy())
    .once("close", fail);
  return promise;
}
