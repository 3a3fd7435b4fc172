import type { AccessKey } from "../account/seed-schema.ts";
import { refusals } from "../refusals.ts";
import type { ActionContext, ActionDefinition, ActionResult } from "./action-definition.ts";
import type { ParameterReader } from "./parameter-reader.ts";

type BoundAction = (reader: ParameterReader, context: ActionContext) => ActionResult;

/** An action in the caller's name. Without a key there are only those that the vendor documents as unsigned. */
export function bindAction(definition: ActionDefinition, key: AccessKey | undefined): BoundAction {
  if (definition.unsigned) return (reader, context) => definition.run(reader, context);
  if (key === undefined) throw refusals.invalidAuthorization();
  return (reader, context) => definition.run(reader, { ...context, key });
}
