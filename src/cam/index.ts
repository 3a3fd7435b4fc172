/**
 * cam/ is the signing service layer, the only part of the gateway that sends requests to CAM and STS. Other folders
 * import cam/ only through this file. cam/ does not depend on changes, callers' rights or the database. The quota is an
 * interface (quota.ts). Read cam-client.ts next: it makes a call.
 */

export type { MfaFlagSet, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "./actions/mfa-flags.ts";
export {
  agreeOnKnownMethods,
  describeSafeAuthFlagColl,
  FlagReads,
  matchesFlagSet,
  matchesFlagSets,
  READ_ONLY_METHODS,
  setMfaFlag,
  WRITABLE_METHODS,
} from "./actions/mfa-flags.ts";
export type { KeyOwner } from "./actions/sts.ts";
export { getCallerIdentity } from "./actions/sts.ts";
export type { ListedUser, SubAccount } from "./actions/users.ts";
export { describeSubAccounts, listAccounts, listUsers, MAX_SUB_ACCOUNTS_PER_CALL } from "./actions/users.ts";
export type { CamAttempt } from "./attempt.ts";
export type { CamCallOptions } from "./cam-client.ts";
export { CamClient } from "./cam-client.ts";
export type { CamErrorKind } from "./cam-error.ts";
export {
  CamError,
  isKeyRefused,
  isSignatureExpired,
  isThrottle,
  mayHaveBeenApplied,
} from "./cam-error.ts";
export { ActionCircuits, type CircuitBreakerConfig } from "./circuit-breaker.ts";
export type {
  CredentialSettings,
  EnvironmentCredentialSources,
} from "./credentials/create-credential-chain.ts";
export {
  type CredentialChainDeps,
  checkCredentialFiles,
  createCredentialChain,
  createEnvironmentProvider,
  createRoleChain,
  createStaticProvider,
} from "./credentials/create-credential-chain.ts";
export type { Credential, CredentialProvider } from "./credentials/credential.ts";
export {
  CredentialCache,
  type CredentialChain,
  CredentialError,
  type CredentialObserver,
  createProviderChain,
} from "./credentials/credential.ts";
export { isRoleName, METADATA_ORIGIN } from "./credentials/metadata-provider.ts";
export { createProfileProvider } from "./credentials/profile-provider.ts";
export type { CamAction, CamClientConfig, CamEndpoint, CamResult } from "./protocol.ts";
export type { CallPriority, Quota, Slot, SlotOutcome, SlotRequest } from "./quota.ts";
export { unlimitedQuota } from "./quota.ts";
export { Tc3Signer } from "./signing/tc3-signer.ts";
export { createDispatcher, type ProxySettings } from "./transport/connection-pool.ts";
export { HttpTransport } from "./transport/http-transport.ts";
