import { Field, ObjectType } from "type-graphql";
import { CamCalls } from "../cam-calls.ts";
import { MfaChange } from "./mfa-change.type.ts";

@CamCalls(0)
@ObjectType({ description: "One change in a page." })
export class MfaChangeEdge {
  @Field(() => MfaChange, { description: "The change." })
  node!: MfaChange;

  @Field(() => String, { description: "Where the change stands; give it as `after` to go on from here." })
  cursor!: string;
}

@CamCalls(0)
@ObjectType({ description: "Where a page stands in the whole list." })
export class PageInfo {
  @Field(() => Boolean, { description: "Whether there are older changes." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether the page was asked for by `after`." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "The cursor of the page's first change." })
  startCursor?: string | undefined;

  @Field(() => String, { nullable: true, description: "The cursor of the page's last change." })
  endCursor?: string | undefined;
}

@CamCalls(0)
@ObjectType({ description: "A page of changes, newest first." })
export class MfaChangeConnection {
  @Field(() => [MfaChangeEdge], { description: "The changes with their cursors." })
  edges!: readonly MfaChangeEdge[];

  @Field(() => [MfaChange], { description: "The changes alone." })
  nodes!: readonly MfaChange[];

  @Field(() => PageInfo, { description: "Where the page stands." })
  pageInfo!: PageInfo;
}
