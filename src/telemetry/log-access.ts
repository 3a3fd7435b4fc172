import type { Logger } from "./logger.ts";

/** Which policy decides who may change whom. */
export function logPolicy(logger: Logger) {
  return {
    onPolicyInForce: (policy: object): void => logger.info({ policy }, "the policy is in force"),
    onPolicyError: (error: unknown): void =>
      logger.error(whyUnusable(error), "the policy file cannot be used; the old policy goes on"),
  };
}

/** The mistakes in a file, each once: where in our code they were found is of no interest. */
function whyUnusable(error: unknown): object {
  const { problems } = error as { readonly problems?: unknown };
  return Array.isArray(problems) ? { problems } : { err: error };
}

/** What the policy says of accounts that there are not, and does not say of those that there are. */
export function logUnlistedAccounts(
  logger: Logger,
  accounts: readonly string[],
  listed: readonly string[],
): void {
  const unlisted = accounts.filter((name) => !listed.includes(name));
  const missing = listed.filter((name) => !accounts.includes(name));
  if (unlisted.length > 0) logger.warn({ accounts: unlisted }, "the policy lets nobody use these accounts");
  if (missing.length > 0)
    logger.warn({ accounts: missing }, "the policy is about accounts that there are not");
}

/** Callers whom the bulk guard has stopped: one line when it does, and one when an operator lets them go on. */
export function logPausedCallers(logger: Logger) {
  return {
    onCallerPaused: ({ subject, client, issuer }: CallerNames, opUin: string): void =>
      logger.warn(
        { caller: subject, callerClient: client, callerIssuer: issuer, opUin },
        "a caller changes too many users and is paused until an operator resumes them",
      ),
    onCallerResumed: ({ subject, issuer, resumed }: ResumedEvent): void =>
      logger.info(
        { caller: subject, callerIssuer: issuer, resumedBy: resumed?.by.subject },
        "a paused caller was resumed",
      ),
  };
}

interface CallerNames {
  readonly subject: string;
  readonly client?: string | undefined;
  readonly issuer?: string | undefined;
}

interface ResumedEvent extends CallerNames {
  readonly resumed: { readonly by: CallerNames } | undefined;
}

/** Whether CAM takes the key, and whose it is: at start-up, rather than at the first change. */
export function logOwnUsers(logger: Logger) {
  return {
    onKnown: (camIdentity: object): void => logger.info({ camIdentity }, "CAM accepts the key"),
    onUnknown: (err: unknown): void =>
      logger.warn(
        { ...(err as { readonly failure?: object }).failure, err },
        "CAM does not accept the key, or cannot be reached; no change is made before it says whose the key is",
      ),
  };
}
