/** A user that need not exist: a change without login and action is refused before anybody is asked about the user. */
export const PROBED_USER = "100000000001";

/** Finds the probe in the gateway's log, and shows whether a router passes the header on. */
export const PROBE_REQUEST_ID = "cam-gateway-doctor";

export type ProbedField = "setSubUserMfa" | "trySetSubUserMfa";

/** Both are refused as NOTHING_TO_CHANGE. */
export const PROBE_OPERATIONS: Readonly<Record<ProbedField, string>> = {
  setSubUserMfa: `mutation CamGatewayDoctor { setSubUserMfa(opUin: "${PROBED_USER}") { requestId } }`,
  trySetSubUserMfa: `mutation CamGatewayDoctor {
  trySetSubUserMfa(opUin: "${PROBED_USER}") {
    __typename
    ... on CamFailure {
      code category message retryable retryAfterMs camCode camAction camRequestId changeId expiresAt requestId
    }
  }
}`,
};
