import { Field, Int, ObjectType } from "type-graphql";
import { CamCalls } from "../cam-calls.ts";

@CamCalls(0)
@ObjectType({ description: "How one action of CAM stands to its limit of calls per second." })
export class CamActionQuota {
  @Field(() => String, { description: "The account with whose key the action was called." })
  account!: string;

  @Field(() => String, { description: "The action, as CAM spells it." })
  action!: string;

  @Field(() => Int, { description: "Calls a second that CAM takes." })
  ratePerSecond!: number;

  @Field(() => Int, {
    description:
      "Milliseconds in which that many calls are made: a second and a guard, and more after a throttle.",
  })
  windowMs!: number;

  @Field(() => Int, { description: "Calls in the window that ends now." })
  used!: number;

  @Field(() => Int, { description: "Calls that wait for a slot in this replica." })
  queued!: number;

  @Field(() => Int, { description: "Milliseconds until the next free slot; 0 where one is free." })
  nextSlotInMs!: number;

  @Field(() => Boolean, {
    description: "Whether CAM throttled a call lately, and calls are spaced wider for it.",
  })
  throttledRecently!: boolean;

  @Field(() => Boolean, {
    description:
      "Whether the figures are of all replicas. While the database is away they are of this one, and changes are refused.",
  })
  shared!: boolean;
}
