import { Directive } from "type-graphql";

/**
 * Tells a router what a field costs: as many as the calls of CAM that it makes, so that whoever limits the cost of an
 * operation limits what it takes of CAM's quota. Types and arguments cost 0, for where nothing is said routers count 1
 * for every object. A policy that turns on names or tags adds two reads of the user to a change, which no weight counts.
 */
export function CamCalls(calls: 0 | 1 | 2): ReturnType<typeof Directive> {
  return Directive(`@cost(weight: ${calls})`);
}
