import type { Logger } from "./logger.ts";

/** Which policy decides who may change whom. */
export function logPolicy(logger: Logger) {
  return {
    onPolicyInForce: (policy: object): void => logger.info({ policy }, "the policy is in force"),
    onPolicyError: (err: unknown): void =>
      logger.error({ err }, "the policy file cannot be used; the old policy goes on"),
  };
}

/** Whether CAM takes the key, and whose it is: at start-up, rather than at the first change. */
export function logOwnUsers(logger: Logger) {
  return {
    onKnown: (camIdentity: object): void => logger.info({ camIdentity }, "CAM accepts the key"),
    onUnknown: (err: unknown): void =>
      logger.warn(
        { err },
        "CAM does not accept the key, or cannot be reached; no change is made before it says whose the key is",
      ),
  };
}
