import { type Accounts, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { type AuthSettings, loadAuthFiles } from "../auth/auth-files.ts";
import { type Authenticator, CertificateAuthenticator, localAuthenticator } from "../auth/authenticator.ts";
import { IssuerKeys, loadJwks } from "../auth/issuer-keys.ts";
import { PolicyFile, policyTerms } from "../auth/policy/policy-file.ts";
import { RequestAuthenticator, RouterSecret } from "../auth/request-authenticator.ts";
import { TokenVerifier } from "../auth/token-verifier.ts";
import { createDispatcher, type ProxySettings } from "../cam/index.ts";
import type { Clock } from "../clock.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Account } from "./create-account.ts";
import type { Foundation } from "./foundation.ts";

export interface AuthenticatorDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** The proxy for requests to issuers. */
  readonly proxy: ProxySettings;
}

export interface OpenAuthenticator {
  readonly authenticator: Authenticator;
  close(): Promise<void>;
}

/** Creates the authenticator of the configuration. @throws AuthFileError for a file that cannot be used. */
export async function createAuthenticator(
  target: AuthSettings | undefined,
  { clock, telemetry, proxy }: AuthenticatorDeps,
): Promise<OpenAuthenticator> {
  if (target === undefined) return { authenticator: localAuthenticator, close: async () => undefined };
  const files = await loadAuthFiles(target);
  const dispatcher = createDispatcher({ proxy });
  const issuers = files.issuers.map((settings) => ({
    settings,
    keys: new IssuerKeys({
      load: (signal) => loadJwks(settings.keys, { dispatcher, signal }),
      clock,
      observer: keysObserver(telemetry, settings.issuer),
    }),
  }));
  const authenticator = new RequestAuthenticator(
    new TokenVerifier({ issuers, clock }),
    target.certificates && new CertificateAuthenticator(target.certificates, files.certificateOwners),
    files.routerSecret && new RouterSecret(files.routerSecret.reveal()),
  );
  return { authenticator, close: () => dispatcher.close() };
}

function keysObserver({ report, health }: Telemetry, issuer: string) {
  return {
    onKeysLoaded: (isNew: boolean) => {
      health.report("issuer_keys", issuer);
      if (isNew) report("auth.keys_loaded", { issuer });
    },
    onKeysUnavailable: (err: unknown) => {
      health.report("issuer_keys", issuer, "The issuer's keys cannot be loaded.");
      report("auth.keys_unavailable", { issuer, err });
    },
  };
}

/** Opens the authenticator, with the connections to the issuers. */
export async function openAuthenticator({
  config,
  clock,
  telemetry,
  closers,
}: Foundation): Promise<Authenticator> {
  const proxy = config.cam?.proxy ?? {};
  const { authenticator, close } = await createAuthenticator(config.auth, { clock, telemetry, proxy });
  closers.defer(close);
  return authenticator;
}

/** Opens the policy and follows its file. @throws AuthFileError for a mistake in the file. */
export async function openPolicy({
  config,
  clock,
  telemetry,
  closers,
}: Foundation): Promise<PolicyFile | undefined> {
  if (config.policyFile === undefined) return undefined;
  const observer = policyObserver(telemetry);
  const policy = await PolicyFile.open(config.policyFile, policyTerms(config), observer, clock);
  closers.defer(() => policy.close());
  return policy;
}

/** Reports which policy is in force. */
function policyObserver({ report }: Telemetry) {
  return {
    onPolicyInForce: (policy: object) => report("policy.in_force", { policy }),
    onPolicyError: (err: unknown) => {
      const { problems } = err as { readonly problems?: unknown };
      report("policy.unusable", Array.isArray(problems) ? { problems } : { err });
    },
  };
}

/** Reports accounts that the policy does not list, and accounts in the policy that are not configured. */
export function reportAccountsOutsidePolicy(
  { telemetry: { report } }: Foundation,
  accounts: Accounts<Account>,
  policy: PolicyFile | undefined,
): void {
  if (policy === undefined) return;
  const listed = Object.keys(policy.current.accounts);
  const configured = accounts.all.map(({ name }) => name).filter((name) => name !== DEFAULT_ACCOUNT);
  const unlisted = configured.filter((name) => !listed.includes(name));
  const unknown = listed.filter((name) => !configured.includes(name));
  if (unlisted.length > 0) report("policy.accounts_unlisted", { accounts: unlisted });
  if (unknown.length > 0) report("policy.accounts_unknown", { accounts: unknown });
}
