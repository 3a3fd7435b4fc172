import {
  Args,
  ArgsType,
  Field,
  GraphQLISODateTime,
  ID,
  Int,
  ObjectType,
  Query,
  Resolver,
} from "type-graphql";
import type { AuditEvents, EventKind, AuditEvent as RecordedEvent } from "../../audit/audit-events.ts";
import { isUin, type Uin } from "../../contract/index.ts";
import { requireStorable, UinScalar } from "../arguments.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { registerEnum } from "../enums.ts";
import { MfaChangeCaller } from "../mfa-change/mfa-change.type.ts";
import { afterOptions, cursorOf, firstOptions, PageInfo, pageSize, toPage, UUID } from "../paging.ts";

const AuditEventKind = registerEnum("AuditEventKind", "The kind of an event in the record.", {
  REFUSAL: "The gateway refused a field to an authenticated caller.",
  REFUSALS: "A summary of further refusals of a caller in a minute.",
  CALLER_PAUSED: "The bulk guard paused a caller.",
  CALLER_RESUMED: "An operator resumed a caller.",
  EXPORT: "The record was exported.",
  ACCOUNT_ADDED: "An account was added to the configuration.",
  ACCOUNT_REMOVED: "An account was removed from the configuration.",
  PRUNED: "The owner of the schema pruned records of a chain.",
  RESTORE_ACCEPTED: "An operator accepted a restored database.",
  ACCOUNT_CHANGED: "The settings of an account changed.",
  ACCOUNT_BOUND: "The name of an account was bound to a main account.",
  ROLLOUT_STARTED: "A rollout started, after its approval if it needed one.",
  ROLLOUT_SEALED: "A rollout ended, and the gateway read every attempted user once more.",
});

@CamCalls(0)
@ObjectType({ description: "A sealed event of the record other than a change." })
class AuditEvent {
  @Field(() => ID, { description: "The id of the event, which sorts by time." })
  id!: string;

  @Field(() => AuditEventKind, { description: "The kind of the event." })
  kind!: keyof typeof AuditEventKind;

  @Field(() => GraphQLISODateTime, { description: "The time of the event, by the database's clock." })
  at!: Date;

  @Field(() => String, { nullable: true, description: "The account, for events of one account." })
  account?: string | undefined;

  @Field(() => MfaChangeCaller, { nullable: true, description: "The caller or operator." })
  by?: MfaChangeCaller | undefined;

  @Field(() => String, { nullable: true, description: "The rule that refused, by its kind and name." })
  rule?: string | undefined;

  @Field(() => String, { nullable: true, description: "The error code that the caller received." })
  code?: string | undefined;

  @Field(() => UinScalar, { nullable: true, description: "The user that the refused field was about." })
  opUin?: Uin | undefined;

  @Field(() => String, {
    nullable: true,
    description: "The gateway's id of the refused request, which its log lines carry.",
  })
  gatewayRequestId?: string | undefined;

  @Field(() => Int, { nullable: true, description: "The number of refusals in a summary." })
  count?: number | undefined;

  @Field(() => String, { description: "All details of the event, as JSON." })
  details!: string;
}

@CamCalls(0)
@ObjectType({ description: "A page of events, newest first." })
class AuditEventConnection {
  @Field(() => [AuditEvent], { description: "The events. The id of an event is its cursor." })
  nodes!: readonly AuditEvent[];

  @Field(() => PageInfo, { description: "The position of the page." })
  pageInfo!: PageInfo;
}

@ArgsType()
class AuditEventsArgs {
  @Field(() => AuditEventKind, { nullable: true, description: "Filters by kind." })
  kind?: keyof typeof AuditEventKind | null;

  @Field(() => String, { nullable: true, description: "Filters by account, such as `default`." })
  account?: string | null;

  @Field(() => String, { nullable: true, description: "Filters by the subject of the caller or operator." })
  caller?: string | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Filters by time: at or after this time." })
  from?: Date | null;

  @Field(() => GraphQLISODateTime, { nullable: true, description: "Filters by time: before this time." })
  until?: Date | null;

  @Field(() => Int, firstOptions("events"))
  first?: number | null;

  @Field(() => String, afterOptions("events"))
  after?: string | null;
}

export type EventReader = Pick<AuditEvents, "list">;

/** Reads the events of the record. No field can alter them. */
@Resolver()
export class AuditEventResolver {
  readonly #events: EventReader;

  constructor(deps: { readonly events: EventReader }) {
    this.#events = deps.events;
  }

  @RequiresScope("cam.audit:read")
  @Query(() => AuditEventConnection, {
    description:
      "The events of the record, newest first: refusals, pauses, exports, prunes, restores, rollouts, and changes of the accounts.",
  })
  async auditEvents(@Args(() => AuditEventsArgs) args: AuditEventsArgs): Promise<AuditEventConnection> {
    const size = pageSize(args.first);
    const after = cursorOf(args.after, UUID);
    requireStorable({ caller: args.caller, account: args.account });
    const filter = {
      kind: args.kind?.toLowerCase() as EventKind | undefined,
      account: args.account ?? undefined,
      subject: args.caller ?? undefined,
      from: args.from ?? undefined,
      until: args.until ?? undefined,
    };
    // One event more than requested shows whether a next page exists.
    const events = await this.#events.list(filter, size + 1, after);
    return toPage(events, { size, after }, (event) => ({ node: toAuditEvent(event), cursor: event.id }));
  }
}

function toAuditEvent({ kind, details, ...event }: RecordedEvent): AuditEvent {
  const textOf = (name: string) => {
    const value = details[name];
    return typeof value === "string" ? value : undefined;
  };
  const [opUin, count] = [textOf("opUin"), details["count"]];
  return {
    ...event,
    kind: kind.toUpperCase() as Uppercase<EventKind>,
    rule: textOf("rule"),
    code: textOf("code"),
    opUin: isUin(opUin) ? opUin : undefined,
    gatewayRequestId: textOf("gatewayRequestId"),
    count: typeof count === "number" ? count : undefined,
    details: JSON.stringify(details),
  };
}
