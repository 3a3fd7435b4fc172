import { CamGatewayError } from "./cam-gateway-error.ts";
import { carriedErrors } from "./carried-errors.ts";
import { GatewayTransportError, type GraphQLProblem } from "./gateway-transport-error.ts";
import { isRecord } from "./is-record.ts";

/** What entries of `errors` are thrown as: the first business error, or the rejection that all of them are. */
export function answerError(
  errors: readonly unknown[],
  status: number,
): CamGatewayError | GatewayTransportError {
  const [carried] = carriedErrors({ errors });
  if (carried !== undefined) return new CamGatewayError(carried.message, carried.extensions);
  return new GatewayTransportError("REJECTED", { status, problems: errors.map(problemOf) });
}

function problemOf(error: unknown): GraphQLProblem {
  const { message, extensions } = isRecord(error) ? error : {};
  const code = isRecord(extensions) ? extensions["code"] : undefined;
  return {
    message: typeof message === "string" ? message : "An error without a message.",
    code: typeof code === "string" ? code : undefined,
  };
}
