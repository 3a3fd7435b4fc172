import { expect } from "vitest";
import { describeCamError } from "../../../src/contract/index.ts";
import type { Change } from "../../support/error-channels.ts";
import type { StartedGateway } from "../../support/start-gateway.ts";
import { sendTo } from "../../support/started-router.ts";
import type { WireError } from "../support/wire-error.ts";
import type { ErrorCase } from "./error-cases.ts";

const ARGUMENTS =
  "($opUin: Uin!, $account: String, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput)";
const PASSED = "(opUin: $opUin, account: $account, login: $login, action: $action)";
const THROWING = `mutation ${ARGUMENTS} { setSubUserMfa${PASSED} { requestId } }`;
const TRYING = `mutation ${ARGUMENTS} {
  trySetSubUserMfa${PASSED} {
    __typename
    ... on CamFailure {
      code category message retryable retryAfterMs camCode camAction camRequestId requestId
    }
  }
}`;

/** Returns the thrown error as it arrives at the client. */
export async function askThrown(routerUrl: string, change: Change): Promise<readonly WireError[]> {
  const { data, errors } = await sendTo(routerUrl, THROWING, { ...change });
  expect(data, `${routerUrl} ${JSON.stringify(errors)}`).toEqual({ setSubUserMfa: null });
  return errors;
}

/** Requests the error as data and expects all its fields. */
export async function expectWholeData(
  routerUrl: string,
  change: Change,
  { code, camCode }: ErrorCase,
  cam: StartedGateway["cam"],
): Promise<void> {
  const { data, errors } = await sendTo(routerUrl, TRYING, { ...change });
  expect(errors, routerUrl).toEqual([]);
  const { category, message, retryable } = describeCamError(code);
  const failure = data?.["trySetSubUserMfa"] as Readonly<Record<string, unknown>>;
  const hasWait = category === "THROTTLED" || typeof failure["retryAfterMs"] === "number";
  expect(failure).toEqual({
    __typename: "CamFailure",
    code,
    category,
    message: expect.stringContaining(message),
    retryable,
    retryAfterMs: hasWait ? expect.any(Number) : null,
    camCode: camCode ?? null,
    camAction: camCode === undefined ? null : expect.any(String),
    camRequestId: camCode === undefined ? null : expect.any(String),
    requestId: expect.stringMatching(/./),
  });
  // The id of the failed call, for CAM's support.
  if (camCode !== undefined) {
    const calls = cam.journal({ action: String(failure["camAction"]) });
    const call = calls.find(({ requestId }) => requestId === failure["camRequestId"]);
    expect(call).toMatchObject({ outcome: camCode, opUins: [change.opUin] });
  }
}
