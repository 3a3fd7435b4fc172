import * as oidc from "openid-client";
import type { SignInSettings } from "../../boot-data.ts";

/** A signed-in person. The token is only in the memory of this page, so a reload signs in again at the issuer. */
export interface Session {
  /** The subject of the ID token. */
  readonly subject: string;
  readonly accessToken: string;
  /** Forgets the token and leaves the issuer's session, if the issuer offers that. */
  signOut(): void;
}

/** Thrown if the issuer or the address does not complete a sign-in. */
class SignInError extends Error {
  override readonly name = "SignInError";
}

/** The key of the checks in the tab's storage. They are secrets of one sign-in and useless after it. */
const CHECKS_KEY = "cam-mfa-gateway:sign-in";

interface Checks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The part of the console to return to. */
  readonly hash: string;
}

/**
 * Sends the browser to the issuer: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, section 3.1).
 *
 * @throws SignInError if the issuer cannot be reached.
 */
export async function startSignIn(settings: SignInSettings): Promise<void> {
  const configuration = await discover(settings);
  const checks: Checks = {
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    verifier: oidc.randomPKCECodeVerifier(),
    hash: location.hash,
  };
  sessionStorage.setItem(CHECKS_KEY, JSON.stringify(checks));
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: pageUrl(),
    scope: settings.scope,
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: "S256",
  });
  location.assign(url);
}

/**
 * Completes a sign-in if the issuer has just sent the browser back. Returns undefined if no sign-in is in progress.
 *
 * @throws SignInError if the answer is not that of the sign-in that this tab started, or the issuer refused.
 */
export async function currentSession(settings: SignInSettings): Promise<Session | undefined> {
  const { searchParams } = new URL(location.href);
  if (!searchParams.has("state")) return undefined;
  const answer = new URL(location.href);
  const stored = sessionStorage.getItem(CHECKS_KEY);
  sessionStorage.removeItem(CHECKS_KEY);
  const checks: Checks | undefined = stored === null ? undefined : JSON.parse(stored);
  // The code must not stay in the address or the history.
  history.replaceState(null, "", `${pageUrl()}${checks?.hash ?? ""}`);
  if (checks === undefined) throw new SignInError("This tab did not start the sign-in.");
  const configuration = await discover(settings);
  answer.hash = "";
  const tokens = await oidc
    .authorizationCodeGrant(configuration, answer, {
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      pkceCodeVerifier: checks.verifier,
      idTokenExpected: true,
    })
    .catch((cause: unknown) => {
      throw new SignInError(`The issuer did not complete the sign-in: ${reasonOf(cause)}`, { cause });
    });
  return {
    subject: tokens.claims()?.sub ?? "",
    accessToken: tokens.access_token,
    signOut: () => signOut(configuration, tokens.id_token),
  };
}

async function discover({ issuer, clientId }: SignInSettings): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  // The demo identity provider of the stack serves plain HTTP on this machine.
  const execute = url.protocol === "http:" ? [oidc.allowInsecureRequests] : [];
  return oidc.discovery(url, clientId, undefined, oidc.None(), { execute }).catch((cause: unknown) => {
    throw new SignInError(`The issuer ${issuer} cannot be reached: ${reasonOf(cause)}`, { cause });
  });
}

function signOut(configuration: oidc.Configuration, idToken: string | undefined): void {
  const { end_session_endpoint } = configuration.serverMetadata();
  if (end_session_endpoint === undefined || idToken === undefined) {
    location.reload();
    return;
  }
  location.assign(oidc.buildEndSessionUrl(configuration, { id_token_hint: idToken }));
}

/** The address of the console without query and fragment, which the issuer knows as redirect URI. */
function pageUrl(): string {
  return `${location.origin}${location.pathname}`;
}

function reasonOf(cause: unknown): string {
  if (cause instanceof oidc.AuthorizationResponseError || cause instanceof oidc.ResponseBodyError) {
    return cause.error_description ?? cause.error;
  }
  return cause instanceof Error ? cause.message : "unknown error";
}
