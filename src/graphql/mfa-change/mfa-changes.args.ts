import { ArgsType, Field, GraphQLISODateTime, Int } from "type-graphql";
import type { ChangeFilter } from "../../audit/change-record.ts";
import type { Uin } from "../../contract/index.ts";
import { UinScalar } from "../uin-scalar.ts";
import { MfaChangeStatus, toRecordedStatus } from "./mfa-change-status.enum.ts";

export const DEFAULT_PAGE = 20;
export const LARGEST_PAGE = 100;

@ArgsType()
export class MfaChangesArgs {
  @Field(() => UinScalar, { nullable: true, description: "Only changes of this user." })
  opUin?: Uin | null;

  @Field(() => String, {
    nullable: true,
    description: "Only changes in this account; `default` is the one that needs no name.",
  })
  account?: string | null;

  @Field(() => MfaChangeStatus, { nullable: true, description: "Only changes of which this is known." })
  status?: keyof typeof MfaChangeStatus | null;

  @Field(() => String, { nullable: true, description: "Only changes that this caller (subject) asked for." })
  caller?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Only changes begun at or after." })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Only changes begun before." })
  until?: Date | null;

  @Field(() => Int, {
    nullable: true,
    defaultValue: DEFAULT_PAGE,
    description: `How many, from 1 to ${LARGEST_PAGE}.`,
  })
  first?: number | null;

  @Field(() => String, { nullable: true, description: "The cursor to go on from: an `endCursor`." })
  after?: string | null;
}

export function toChangeFilter(args: MfaChangesArgs): ChangeFilter {
  return {
    account: args.account ?? undefined,
    opUin: args.opUin ?? undefined,
    status: args.status ? toRecordedStatus(args.status) : undefined,
    callerSubject: args.caller ?? undefined,
    from: args.from ?? undefined,
    until: args.until ?? undefined,
  };
}
