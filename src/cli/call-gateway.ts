import { type CallOptions, type CamGatewayClient, createCamGatewayClient } from "../client/index.ts";
import type { GatewayConnection } from "./gateway-connection.ts";
import { explainFailedRead, redacted } from "./mfa/explain-failure.ts";

/**
 * Calls a running gateway by its published client, within the time of one request.
 * @throws CommandError for the person at the terminal. Only for calls that are safe to repeat.
 */
export async function callGateway<Result>(
  connection: GatewayConnection,
  call: (client: CamGatewayClient, options: CallOptions) => Promise<Result>,
): Promise<Result> {
  const client = createCamGatewayClient({ url: connection.url.href, headers: connection.headers });
  try {
    return await call(client, { signal: AbortSignal.timeout(connection.timeoutMs) });
  } catch (error) {
    throw redacted(explainFailedRead(error, connection), connection);
  }
}
