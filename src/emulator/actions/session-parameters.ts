import type { Account } from "../account/account.ts";
import type { Role } from "../account/role-schema.ts";
import { refusals } from "../refusals.ts";
import type { ParameterReader } from "./parameter-reader.ts";

const DEFAULT_SECONDS = 7_200n;
const SESSION_NAME = /^[\w+=,.@-]{2,128}$/;

export interface SessionParameters {
  readonly arn: string;
  readonly session: string;
  readonly seconds: bigint;
}

/** What both ways of assuming a role ask for. */
export function readSessionParameters(reader: ParameterReader): SessionParameters {
  const arn = reader.required("RoleArn", reader.text("RoleArn"));
  const session = reader.required("RoleSessionName", reader.text("RoleSessionName"));
  const seconds = reader.uint64("DurationSeconds") ?? DEFAULT_SECONDS;
  if (!SESSION_NAME.test(session)) throw refusals.stsParameter("RoleSessionName");
  if (seconds === 0n) throw refusals.stsParameter("DurationSeconds");
  return { arn, session, seconds };
}

/** The role that is meant, if it exists and lasts that long. */
export function permittedRole({ arn, seconds }: SessionParameters, account: Account): Role {
  const role = account.roleOfArn(arn);
  if (!role) throw refusals.roleNotFound();
  if (seconds > BigInt(role.maxSessionSeconds)) throw refusals.sessionTooLong();
  return role;
}
