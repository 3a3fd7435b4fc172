/**
 * Owns the events of the gateway's log: every line has the id, level and message of a row here. `logger.ts` writes
 * the lines. The files of `gateway/` turn what the parts report into events.
 * docs/operators/log-events.md is generated from the table.
 */
import { debug, error, fatal, info, type LogEvent, warn } from "./log-event.ts";
import { ROLLOUT_LOG_EVENTS } from "./rollout-log-events.ts";
import { WEBHOOK_LOG_EVENTS } from "./webhook-log-events.ts";

export const LOG_EVENTS = {
  "account.closed": info(
    "a removed account is closed",
    "No change of `account` is open. Its connections and its key are released.",
  ),
  "account.elsewhere": error(
    "a key belongs to another main account than its account; the gateway does not use it",
    "`problem` names both Uins and the ways out.",
  ),
  "account.has_open_changes": warn(
    "a removed account has open changes",
    "The gateway keeps `account` until it knows the outcomes of `changes`. Keep its key valid until `account.closed`.",
  ),
  "accounts.in_use": info(
    "the accounts of the file are in use",
    "`added`, `changed` and `removed` name the accounts.",
  ),
  "accounts.unusable": error(
    "the file of accounts cannot be used; the old accounts stay in use",
    "Correct what `problems` lists. `check-config` shows the same. The gateway tries again every 30 seconds.",
  ),
  "approval.not_genuine": error(
    "A REQUEST FOR APPROVAL DIFFERS FROM THE REQUEST THAT THIS GATEWAY RECORDED; the gateway refuses it",
    "The request was changed in the database, but not by the gateway. Check who has access, and run `audit:verify`.",
  ),
  "auth.check_failed": warn(
    "a caller's token or certificate cannot be checked",
    "The caller gets ISSUER_UNAVAILABLE. `reason` and `problem` say what is missing, mostly the issuer's keys.",
  ),
  "auth.keys_loaded": info("an issuer's keys are loaded", "The gateway has new keys of `issuer`."),
  "auth.keys_unavailable": error(
    "an issuer's keys cannot be loaded; the last ones stay in use for a while",
    "Check the network to `issuer` and its JWKS. The last keys stay valid for 12 hours. Then the gateway " +
      "refuses the issuer's callers.",
  ),
  "auth.token_rejected": warn(
    "a caller's token or certificate is rejected",
    "`reason` says why. With `claim` or expected values, compare the token with the gateway's settings.",
  ),
  "caller.paused": warn(
    "a caller changes too many users and is paused until an operator resumes them",
    "Find out whether `caller` is meant to change that many users. `resumeCaller` ends the pause.",
  ),
  "caller.resumed": info("a paused caller was resumed", "`resumedBy` has ended the pause of `caller`."),
  "cam.call_failed": warn(
    "CAM call failed",
    "`kind` and `cause` name the fault, `why` the remedy. The gateway retries after `retryInMs`, or gave up.",
  ),
  "cam.call_refused": info(
    "CAM refused a call",
    "The caller gets an error. `camCode` and `camMessage` are CAM's.",
  ),
  "cam.call_succeeded": debug("CAM call", "One call of CAM, with its duration and its wait for a slot."),
  "cam.key_accepted": info("CAM accepts the key", "`camIdentity` is the account and user of the key."),
  "cam.key_loaded": info("key for CAM loaded", "`secretId` names the key that is in use. It is not secret."),
  "cam.key_not_accepted": warn(
    "CAM does not accept the key, or cannot be reached; the gateway makes no change until it does",
    "`cause` and `why` name the fault and the remedy. The gateway tries again every 30 seconds.",
  ),
  "cam.key_not_renewed": warn(
    "the key for CAM could not be renewed; the old one stays in use",
    "`err` names the places that the gateway tried. A temporary key expires at the `expiresAt` of its " +
      "`cam.key_loaded`.",
  ),
  "cam.throttled": warn(
    "CAM throttled a call; all replicas slow down",
    "Another program may use the same key. Otherwise lower CAM_RATE_PER_SECOND.",
  ),
  "change.applied": info("MFA change applied", "CAM has made the change. `resolvedBy` names the proof."),
  "change.applied_late": warn(
    "CAM applied an MFA change of unknown outcome although there is a later one; compare the user with the later change",
    "Read the user. If the flags differ from the later change, make that change again.",
  ),
  "change.approval_expired": info(
    "an MFA change was not approved in time",
    "The change is settled as refused. The caller can request it again.",
  ),
  "change.awaits_approval": info(
    "MFA change awaits approval",
    "Another caller can approve it until `expiresAt`.",
  ),
  "change.not_applied": info(
    "MFA change not applied",
    "`code` and `why` say why the gateway or CAM refused it. docs/errors.md lists the codes.",
  ),
  "change.not_recorded": warn(
    "MFA change not applied: the store is unavailable",
    "The gateway has not called CAM. `err` says what is wrong with the database.",
  ),
  "change.not_settled": error(
    "the outcome of a change could not be recorded; the reconciler will find it",
    "Needs no action once the database answers again. `err` says what is wrong with it.",
  ),
  "change.orphaned": error(
    "open changes are orphaned: their account is not in CAM_ACCOUNTS, and only that account's CAM knows their outcome",
    "Configure `account` again until the `changes` are settled. The gateway repeats this line every hour.",
  ),
  "change.orphans_not_counted": warn(
    "orphaned changes cannot be counted now",
    "The gateway tries again in an hour.",
  ),
  "change.outcome_unknown": warn(
    "MFA change of unknown outcome",
    "A reply was lost. The reconciler reads the user for a day to find the outcome of the change.",
  ),
  "change.reconciler_failed": warn(
    "open changes cannot be reconciled now",
    "The gateway tries again. `err` says what is wrong with the database.",
  ),
  "change.rejected": info("MFA change rejected or withdrawn", "The change is settled as refused."),
  "change.settled": warn(
    "an open change was settled",
    "The reconciler found the outcome of a change that a crash or a lost reply left open.",
  ),
  "change.still_unknown": warn(
    "the outcome of an MFA change is not known",
    "Nothing proves that CAM applied the change, or that it did not. The reconciler continues to read the " +
      "user, for a day.",
  ),
  "database.connection_broken": warn(
    "a database connection broke",
    "The gateway opens another. If it happens often, look at the server's log and at proxies on the way.",
  ),
  "directory.not_written": error(
    "the directory does not keep what reads showed",
    "A bug in the gateway: `err` has the database's message. The next scan reads the users again.",
  ),
  "directory.scan_failed": warn(
    "a scan of an account's users has stopped, and continues in a minute",
    "`code` and `camCode` name the fault. With CAM_PERMISSION_DENIED, grant the gateway's key the action of `camAction`.",
  ),
  "directory.scan_finished": info(
    "a scan has read an account's users",
    "The directory has the users of `account` as of the scan.",
  ),
  "directory.scan_stopped": info(
    "a scan of an account's users has stopped, and continues later",
    "The gateway stops, a person paused the scan, or another replica continues it.",
  ),
  "directory.scans_not_planned": warn(
    "the database does not say which scans are due",
    "`err` names the fault. The gateway tries again within a minute.",
  ),
  "documents.untrusted": warn(
    "an operation is not a trusted document",
    "With `enforce` the gateway refuses it. Add `operationName` to the manifest, or find its sender.",
  ),
  "drift.found": warn(
    "a user's protections were changed, but not through the gateway",
    "Find out who changed `opUin` of `account`, for example in CloudAudit. `mfaDrift` has the states before and after.",
  ),
  "http.connections_refused": warn(
    "connections were refused: all of MAX_CONNECTIONS are in use",
    "Raise MAX_CONNECTIONS, or find out which clients keep connections open.",
  ),
  "http.connections_refused_by_address": warn(
    "connections were refused: their address has a quarter of MAX_CONNECTIONS already",
    "List `address` in AUTH_PROXY_ADDRESSES if it is a proxy.",
  ),
  "http.request_failed": error(
    "request failed",
    "A bug in the gateway outside GraphQL. Report it with `err`.",
  ),
  internal_error: error(
    "unexpected error",
    "The caller got INTERNAL with the same `requestId`. A bug in the gateway: report it with `err`.",
  ),
  "jobs.failed": warn(
    "a statement of the job queue failed",
    "`err` names the fault. The queue repeats the statement.",
  ),
  "jobs.started": info(
    "background jobs run",
    "This gateway takes jobs, for example scans of users, from the queue.",
  ),
  "jobs.unavailable": warn(
    "background jobs do not run; requests are not affected, and the gateway tries again",
    "`err` names the fault. If rights or tables are missing, run `npm run migrate -- --grant-to` as the schema's owner.",
  ),
  "library.message": info(
    "(the library's own)",
    "A message of Fastify or Apollo Server, as `library` says, with a level of its own.",
  ),
  "log.level_changed": warn(
    "the log's level was changed",
    "A request to the admin port set the lowest level to `to`. A restart resets it to LOG_LEVEL.",
  ),
  "log.lines_dropped": warn(
    "log lines dropped",
    "The reader of the log stalled, and `dropped` lines did not fit into the buffer of 1 MiB.",
  ),
  "policy.accounts_unknown": warn(
    "the policy names accounts that do not exist",
    "Correct the names in the policy, or configure `accounts`.",
  ),
  "policy.accounts_unlisted": warn(
    "the policy allows no caller to use these accounts",
    "Add `accounts` to the policy, or remove them from CAM_ACCOUNTS.",
  ),
  "policy.in_force": info("the policy is in force", "`policy` has the file's SHA-256."),
  "policy.unusable": error(
    "the policy file cannot be used; the old policy stays in force",
    "Correct what `problems` lists. `check-config` shows the same without a restart.",
  ),
  "process.crashed": fatal(
    "a fault of the gateway ends the process",
    "Start it again: the reconciler settles open changes. Report `errors` and `stack`. The line is on stderr.",
  ),
  "quota.available": info(
    "the database gives quota slots again",
    "`unavailableMs` is the length of the outage.",
  ),
  "quota.slot_missed": debug(
    "a slot of the quota was missed",
    "A call was not ready in time for its slot and takes another one. If it happens often, this process " +
      "has too little CPU.",
  ),
  "quota.unavailable": error(
    "the database gives no quota slots: reads of CAM continue slowly, changes are refused",
    "`reason` gives the fault of the database and the remedy.",
  ),
  "record.altered": error(
    "THE RECORD OF CHANGES WAS ALTERED, and this replica signs nothing; run audit:verify",
    "`problem` names the first record that is wrong. Keep the database and the anchors as evidence.",
  ),
  "record.behind": error(
    "THE RECORD LACKS A CHECKPOINT THAT THIS REPLICA KNOWS: the database is an older copy, or its record was cut",
    "The replica signs nothing until `cam-gateway audit accept-restore`. `known` is missing, and `last` is the last one.",
  ),
  "record.anchor_shared": error(
    "another process has written AUDIT_ANCHOR_FILE; give each replica a file of its own",
    "`file` names the file. A shared file proves nothing about either replica.",
  ),
  "record.no_anchor": warn(
    "the replica starts without an anchor: only audit:verify --expect shows whether the record was rewritten before",
    "Expected at a replica's first start, and at each start with AUDIT_ANCHOR_FILE=log.",
  ),
  "record.not_signed": warn(
    "no checkpoint of the record can be signed now",
    "The gateway tries again at the next checkpoint. `err` says what is wrong.",
  ),
  "record.accounts_not_noted": warn(
    "a change of the accounts could not be recorded",
    "`err` says what is wrong with the database. The gateway tries again every 30 seconds, and at its start.",
  ),
  "record.refusals_lost": error(
    "refusals could not be recorded and are lost",
    "`lost` is their number. The database was unavailable for too long, or could not store them.",
  ),
  "record.refusals_wait": warn(
    "refusals could not be recorded yet",
    "`waiting` refusals wait in memory until the database answers. The callers got their refusals.",
  ),
  "record.signed": info(
    "signed the ends of all chains of the record",
    "`chain:seq:hash` is the anchor that `audit:verify --expect` takes. Keep it outside the database.",
  ),
  ...ROLLOUT_LOG_EVENTS,
  ...WEBHOOK_LOG_EVENTS,
  "telemetry.problem": warn(
    "OpenTelemetry reports a problem; the gateway serves without it",
    "`problem` is the SDK's message, mostly about the collector. The gateway drops what it cannot export.",
  ),
  "tls.certificate_unusable": error(
    "the certificate files cannot be used; the old certificate stays in use",
    "`err` says which file and why. Replace it before the old certificate ends.",
  ),
  "tls.reloaded": info("a renewed certificate is in use", "New connections get the new certificate."),
} as const satisfies Readonly<Record<string, LogEvent>>;

export type LogEventId = keyof typeof LOG_EVENTS;

/** Writes one line. Level and message are those of the event. */
export type Report = (event: LogEventId, fields?: object) => void;
