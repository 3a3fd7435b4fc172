import {
  type CallOptions,
  type CamGatewayClient,
  CamGatewayError,
  createCamGatewayClient,
  describeCamError,
  GatewayTransportError,
} from "../client/index.ts";
import { explainConnectionFailure } from "../connection-failures.ts";
import { CommandError, EX_CANNOT } from "./command.ts";
import { type GatewayConnection, withoutSecrets } from "./gateway-connection.ts";

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

/** The codes that leave it open whether a change takes effect. */
const UNPROVEN: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "INTERNAL"]);

/** The failures of a connection after which nothing was sent. */
const NOT_SENT = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

/** Returns the error of a read, for the person at the terminal. */
export function explainFailedRead(error: unknown, connection: GatewayConnection): CommandError {
  return error instanceof CamGatewayError ? refusal(error, 1) : noAnswer(error, connection, []);
}

/** Returns the error of a change. It says whether to repeat the command, and with which key. */
export function explainFailedChange(
  error: unknown,
  connection: GatewayConnection,
  idempotencyKey: string,
): CommandError {
  const again = `The change may have been made. To find out, repeat the command with --idempotency-key ${idempotencyKey}`;
  if (error instanceof CamGatewayError) {
    const isOpen = UNPROVEN.has(error.code);
    return refusal(error, isOpen ? EX_CANNOT : 1, isOpen ? [`${again}.`] : [], { idempotencyKey });
  }
  const wasSent = !(
    error instanceof GatewayTransportError &&
    (error.failure === "INVALID_HEADER" ||
      error.failure === "REJECTED" ||
      (error.failure === "NETWORK" && NOT_SENT.test(error.reason ?? "")))
  );
  return noAnswer(error, connection, [wasSent ? `${again}.` : "Nothing was changed."], { idempotencyKey });
}

function refusal(
  { code, message, extensions }: CamGatewayError,
  exitCode: number,
  more: readonly string[] = [],
  facts: object = {},
): CommandError {
  const { requestId, changeId, expiresAt, cam } = extensions;
  const ids = [
    requestId && `request id ${requestId}`,
    changeId && `change ${changeId}`,
    expiresAt && `expires at ${expiresAt}`,
    cam && `CAM's code ${cam.code}, its request id ${cam.requestId}`,
  ];
  const lines = [
    `${code}: ${message}`,
    describeCamError(code).remedy,
    ...more,
    ids.filter(Boolean).join(", "),
  ];
  return new CommandError(lines.filter(Boolean).join("\n"), exitCode, { ...extensions, ...facts });
}

function noAnswer(
  error: unknown,
  { url, timeoutMs }: GatewayConnection,
  more: readonly string[],
  facts: object = {},
): CommandError {
  const why = whyNoAnswer(error, timeoutMs);
  return new CommandError([`${url.href}: ${why}`, ...more].join(" "), EX_CANNOT, {
    ...(error instanceof GatewayTransportError ? { failure: error.failure, status: error.status } : {}),
    ...facts,
  });
}

/** Any other error is a fault of the command. */
function whyNoAnswer(error: unknown, timeoutMs: number): string {
  if (!(error instanceof GatewayTransportError)) {
    const { name } = error as Error;
    if (name === "TimeoutError") return `No answer arrived within ${timeoutMs / 1_000} s.`;
    if (name === "AbortError") return "The command was interrupted.";
    throw error;
  }
  const { failure, reason, status, message } = error;
  if (failure === "NETWORK" && reason !== undefined) {
    const explained = explainConnectionFailure(Object.assign(new Error(), { code: reason }));
    return `The gateway cannot be reached (${reason}). ${explained?.why ?? ""}`.trim();
  }
  return status === 404 || failure === "NOT_GRAPHQL"
    ? `${message} Is that the GraphQL address? It mostly ends in /graphql.`
    : message;
}

export function redacted(error: CommandError, { headers }: GatewayConnection): CommandError {
  const facts = JSON.parse(withoutSecrets(JSON.stringify(error.facts), headers));
  return new CommandError(withoutSecrets(error.message, headers), error.exitCode, facts);
}
