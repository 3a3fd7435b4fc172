const PROTECTION = "{ phone token stoken wechat custom mail u2fToken passkey }";
const BOTH_PROTECTIONS = `{ login ${PROTECTION} action ${PROTECTION} source asOf }`;
const METHODS = "{ login { phone stoken wechat } action { phone stoken wechat } }";
const DIRECTORY_FIELDS = `strength loginProtection actionProtection protectionsAsOf hasPhone hasEmail consoleLogin`;
const SUB_USER = `{
  id opUin account name uid remark userType createTime lastLoginTime lastLoginIp
  ${DIRECTORY_FIELDS}
  availableMethods { method available code remedy atNextLogin }
  mfa ${BOTH_PROTECTIONS}
}`;
const DIRECTORY_USER = `{
  id opUin account name remark userType createTime lastLoginTime
  ${DIRECTORY_FIELDS}
  knownMfa { login ${PROTECTION} action ${PROTECTION} source }
}`;
const IMAGE = `{ login ${PROTECTION} action ${PROTECTION} asOf source }`;
const SCAN = `{
  account status startedAt finishedAt dueAt users readUsers failedUsers calls code camCode camAction pausedBy
}`;
const CALLER = "{ subject client issuer }";
const CHANGE = `{
  id opUin account gatewayRequestId reason status resolvedBy code camCode camRequestId
  attempts quotaWaitMs replica createdAt finishedAt
  caller ${CALLER}
  approval { expiresAt decision decidedBy ${CALLER} decidedAt reason gatewayRequestId }
  requested ${METHODS}
  before ${BOTH_PROTECTIONS}
  sent ${METHODS}
}`;
const PAYLOAD = `{
  __typename requestId camRequestId resolvedBy
  change ${CHANGE}
  subUser { id opUin account mfa ${BOTH_PROTECTIONS} }
}`;
const FAILURE = `{
  __typename code category message retryable retryAfterMs camCode camAction camRequestId changeId expiresAt
  requestId
}`;
const PAUSE = `{ subject issuer pausedAt users withinMinutes resumedAt resumedBy ${CALLER} }`;
const SWITCH_VARIABLES = `(
  $opUin: Uin!, $account: String, $login: LoginActionMfaFlagInput, $action: LoginActionMfaFlagInput,
  $overwriteOtherMethods: Boolean, $reason: String
)`;
const SWITCH_ARGUMENTS = `(
    opUin: $opUin, account: $account, login: $login, action: $action,
    overwriteOtherMethods: $overwriteOtherMethods, reason: $reason
  )`;

const LISTED_ROLLOUT = `id name reason status code hint planHash accounts createdAt plannedAt expiresAt startedAt finishedAt
  requestedBy ${CALLER}
  approval { requestedAt expiresAt decision decidedBy ${CALLER} decidedAt reason }
  approvalMinutes undoOf
  selection {
    accounts listedUsers search login action methods strength hasPhone consoleLogin neverLoggedIn inactiveSince
  }
  desired ${METHODS}
  maxFailures waves { users holdHours waitForRelease } window { timeZone days from to } includeAtRisk
  reasons { state code users }
  price {
    camCalls seconds slowestAccount secondsByAccount { account users camCalls seconds } budgetSeconds failuresAllowed
    usersLosingProtection
  }
  progress { total done secondsLeft wave waves heldUntil awaitsRelease }
  proof { differences readBackAt sealed }`;
const ROLLOUT = `${LISTED_ROLLOUT}
  counts { willChange alreadySo blocked atRisk excused changing unknown applied failed changedSince }
  lanes { account total done state code secondsLeft }`;
const ITEM_IMAGE = `{ login ${PROTECTION} action ${PROTECTION} asOf }`;
const ROLLOUT_ITEM = `{
  item account opUin name state code camCode why wave before ${ITEM_IMAGE} sent ${METHODS} after ${ITEM_IMAGE}
  readBack ${ITEM_IMAGE} changeId settledAt
}`;

/** The client's operations by name. Each selects one field, which has the same name. */
export const DOCUMENTS = {
  subUser: `query subUser($opUin: Uin!, $account: String) {
  subUser(opUin: $opUin, account: $account) ${SUB_USER}
}`,
  subUsers: `query subUsers($opUins: [Uin!]!, $account: String) {
  subUsers(opUins: $opUins, account: $account) ${SUB_USER}
}`,
  subUserDirectory: `query subUserDirectory(
  $accounts: [String!], $filter: SubUserDirectoryFilter, $orderBy: SubUserDirectoryOrder, $first: Int, $after: String
) {
  subUserDirectory(accounts: $accounts, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    edges { cursor node ${DIRECTORY_USER} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    totalCount
  }
}`,
  mfaCoverage: `query mfaCoverage($accounts: [String!]) {
  mfaCoverage(accounts: $accounts) {
    account users login { protected unprotected unknown } action { protected unprotected unknown }
    strengths { strength users } neverLoggedIn unknown excused oldestKnowledge
  }
}`,
  mfaDrift: `query mfaDrift($accounts: [String!], $since: DateTimeISO, $first: Int, $after: String) {
  mfaDrift(accounts: $accounts, since: $since, first: $first, after: $after) {
    edges { cursor node { id account opUin name before ${IMAGE} after ${IMAGE} firstSeenAt foundAt } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`,
  directoryScans: `query directoryScans($accounts: [String!]) { directoryScans(accounts: $accounts) ${SCAN} }`,
  scanDirectory: `mutation scanDirectory($account: String) { scanDirectory(account: $account) ${SCAN} }`,
  pauseDirectoryScan: `mutation pauseDirectoryScan($account: String) {
  pauseDirectoryScan(account: $account) ${SCAN}
}`,
  resumeDirectoryScan: `mutation resumeDirectoryScan($account: String) {
  resumeDirectoryScan(account: $account) ${SCAN}
}`,
  camErrors: "query camErrors { camErrors { code category retryable message remedy camCodes } }",
  camQuota: `query camQuota {
  camQuota { account action ratePerSecond windowMs used queued nextSlotInMs throttledRecently shared }
}`,
  mfaChange: `query mfaChange($id: ID!) { mfaChange(id: $id) ${CHANGE} }`,
  mfaChanges: `query mfaChanges(
  $opUin: Uin, $account: String, $status: MfaChangeStatus, $caller: String, $from: DateTimeISO, $until: DateTimeISO,
  $first: Int, $after: String
) {
  mfaChanges(
    opUin: $opUin, account: $account, status: $status, caller: $caller, from: $from, until: $until,
    first: $first, after: $after
  ) {
    edges { cursor node ${CHANGE} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`,
  auditEvents: `query auditEvents(
  $kind: AuditEventKind, $account: String, $caller: String, $from: DateTimeISO, $until: DateTimeISO, $first: Int,
  $after: String
) {
  auditEvents(kind: $kind, account: $account, caller: $caller, from: $from, until: $until, first: $first, after: $after) {
    nodes { id kind at account by { subject client issuer } rule code opUin gatewayRequestId count details }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`,
  setSubUserMfa: `mutation setSubUserMfa${SWITCH_VARIABLES} {
  setSubUserMfa${SWITCH_ARGUMENTS} ${PAYLOAD}
}`,
  trySetSubUserMfa: `mutation trySetSubUserMfa${SWITCH_VARIABLES} {
  trySetSubUserMfa${SWITCH_ARGUMENTS} {
    ... on SetSubUserMfaPayload ${PAYLOAD}
    ... on CamFailure ${FAILURE}
  }
}`,
  approveMfaChange: `mutation approveMfaChange($id: ID!, $reason: String) {
  approveMfaChange(id: $id, reason: $reason) ${PAYLOAD}
}`,
  tryApproveMfaChange: `mutation tryApproveMfaChange($id: ID!, $reason: String) {
  tryApproveMfaChange(id: $id, reason: $reason) {
    ... on SetSubUserMfaPayload ${PAYLOAD}
    ... on CamFailure ${FAILURE}
  }
}`,
  rejectMfaChange: `mutation rejectMfaChange($id: ID!, $reason: String) {
  rejectMfaChange(id: $id, reason: $reason) ${CHANGE}
}`,
  mfaRollout: `query mfaRollout($id: ID!, $filter: MfaRolloutItemFilter, $first: Int, $after: String) {
  mfaRollout(id: $id) {
    ${ROLLOUT}
    items(filter: $filter, first: $first, after: $after) {
      edges { cursor node ${ROLLOUT_ITEM} }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      totalCount
    }
  }
}`,
  mfaRollouts: `query mfaRollouts($status: MfaRolloutStatus, $first: Int, $after: String) {
  mfaRollouts(status: $status, first: $first, after: $after) {
    edges { cursor node { ${LISTED_ROLLOUT} } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`,
  planMfaRollout: `mutation planMfaRollout($input: PlanMfaRolloutInput!) {
  planMfaRollout(input: $input) { ${ROLLOUT} }
}`,
  planMfaRolloutUndo: `mutation planMfaRolloutUndo($id: ID!, $reason: String!) {
  planMfaRolloutUndo(id: $id, reason: $reason) { ${ROLLOUT} }
}`,
  startMfaRollout: `mutation startMfaRollout($id: ID!, $planHash: String!) {
  startMfaRollout(id: $id, planHash: $planHash) { ${ROLLOUT} }
}`,
  approveMfaRollout: `mutation approveMfaRollout($id: ID!, $planHash: String!, $reason: String) {
  approveMfaRollout(id: $id, planHash: $planHash, reason: $reason) { ${ROLLOUT} }
}`,
  rejectMfaRollout: `mutation rejectMfaRollout($id: ID!, $reason: String) {
  rejectMfaRollout(id: $id, reason: $reason) { ${ROLLOUT} }
}`,
  pauseMfaRollout: `mutation pauseMfaRollout($id: ID!, $reason: String) {
  pauseMfaRollout(id: $id, reason: $reason) { ${ROLLOUT} }
}`,
  resumeMfaRollout: `mutation resumeMfaRollout($id: ID!) { resumeMfaRollout(id: $id) { ${ROLLOUT} } }`,
  cancelMfaRollout: `mutation cancelMfaRollout($id: ID!, $reason: String) {
  cancelMfaRollout(id: $id, reason: $reason) { ${ROLLOUT} }
}`,
  releaseMfaRolloutWave: `mutation releaseMfaRolloutWave($id: ID!, $wave: Int!) {
  releaseMfaRolloutWave(id: $id, wave: $wave) { ${ROLLOUT} }
}`,
  mfaRolloutBundle: `query mfaRolloutBundle($id: ID!, $first: Int, $after: Int) {
  mfaRolloutBundle(id: $id, first: $first, after: $after) { lines total }
}`,
  pausedCallers: `query pausedCallers { pausedCallers ${PAUSE} }`,
  resumeCaller: `mutation resumeCaller($subject: String!, $issuer: String) {
  resumeCaller(subject: $subject, issuer: $issuer) ${PAUSE}
}`,
} as const;
