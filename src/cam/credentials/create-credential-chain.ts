import { CamClient, type CamClientDeps } from "../cam-client.ts";
import { unlimitedBudget } from "../unlimited-budget.ts";
import type { StsAccess } from "./ask-sts.ts";
import { createAssumeRoleProvider } from "./assume-role-provider.ts";
import { CredentialCache, type CredentialObserver } from "./credential-cache.ts";
import type { CredentialSettings } from "./credential-settings.ts";
import { createEnvironmentProvider } from "./environment-provider.ts";
import { createMetadataProvider } from "./metadata-provider.ts";
import { createProfileProvider } from "./profile-provider.ts";
import { type CredentialChain, createProviderChain } from "./provider-chain.ts";
import { createWebIdentityProvider } from "./web-identity-provider.ts";

/** What calls to STS share with those to CAM. */
export interface CredentialChainDeps
  extends Pick<CamClientDeps, "config" | "signer" | "transport" | "skew" | "clock" | "observer"> {
  /** Told of the key that roles are assumed with. */
  readonly credentialObserver?: CredentialObserver;
}

/**
 * The official order: environment, profile, instance metadata, web identity. Where a role is configured, what they
 * give is the key that assumes it.
 */
export function createCredentialChain(
  settings: CredentialSettings,
  deps: CredentialChainDeps,
): CredentialChain {
  const { environment, profile, metadata, webIdentity, role } = settings;
  const { clock } = deps;
  const found = createProviderChain([
    createEnvironmentProvider(environment),
    ...(profile ? [createProfileProvider({ ...profile, profile: profile.name })] : []),
    ...(metadata ? [createMetadataProvider(metadata, clock)] : []),
    ...(webIdentity
      ? [createWebIdentityProvider(webIdentity, stsAccess(webIdentity.region, NO_KEYS, deps))]
      : []),
  ]);
  return role === undefined ? found : createRoleChain(role, found, deps);
}

/** A role that is assumed with whatever key another chain gives. */
export function createRoleChain(
  role: NonNullable<CredentialSettings["role"]>,
  keys: CredentialChain,
  deps: CredentialChainDeps,
): CredentialChain {
  return createProviderChain([createAssumeRoleProvider(role, stsAccess(role.region, keys, deps))]);
}

function stsAccess(region: string, chain: CredentialChain, deps: CredentialChainDeps): StsAccess {
  const { clock, skew, credentialObserver: observer } = deps;
  const credentials = new CredentialCache({ chain, clock, skew, ...(observer && { observer }) });
  const config = { ...deps.config, region };
  return { clock, client: new CamClient({ ...deps, config, credentials, budget: unlimitedBudget }) };
}

/** A web identity is no key, and its call is not signed. */
const NO_KEYS = createProviderChain([]);
