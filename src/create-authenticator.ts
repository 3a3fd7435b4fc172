import { type Authenticator, localAuthenticator } from "./auth/authenticator.ts";
import { ClientCertificates } from "./auth/client-certificates.ts";
import { IssuerKeys } from "./auth/issuer-keys.ts";
import { loadJwks } from "./auth/load-jwks.ts";
import { RequestAuthenticator } from "./auth/request-authenticator.ts";
import { RouterSecret } from "./auth/router-secret.ts";
import { TokenVerifier } from "./auth/token-verifier.ts";
import type { Clock } from "./clock.ts";
import type { AuthTarget } from "./config/auth-target.ts";
import { loadAuthFiles } from "./load-auth-files.ts";
import { logKeys } from "./observability/log-events.ts";
import type { Logger } from "./observability/logger.ts";

/** Who finds out who asks, as the configuration has it. @throws ConfigError where what it names cannot be used. */
export async function createAuthenticator(
  target: AuthTarget | undefined,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Authenticator> {
  if (target === undefined) return localAuthenticator;
  const files = await loadAuthFiles(target);
  const issuers = files.issuers.map((settings) => ({
    settings,
    keys: new IssuerKeys({
      load: () => loadJwks(settings.keys),
      clock,
      observer: logKeys(logger, settings.issuer),
    }),
  }));
  return new RequestAuthenticator({
    tokens: new TokenVerifier({ issuers, clock }),
    certificates: target.certificates && new ClientCertificates(target.certificates),
    routerSecret: files.routerSecret && new RouterSecret(files.routerSecret.reveal()),
  });
}
