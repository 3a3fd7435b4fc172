import type { RoleSession } from "../actions/assume-role.ts";
import { CamClient, type CamClientDeps } from "../cam-client.ts";
import { unlimitedBudget } from "../rate-budget.ts";
import { type CredentialChain, CredentialError, createProviderChain } from "./credential.ts";
import { CredentialCache, type CredentialObserver } from "./credential-cache.ts";
import { createEnvironmentProvider, type EnvironmentCredentialSources } from "./environment-provider.ts";
import { createMetadataProvider, type InstanceMetadata } from "./metadata-provider.ts";
import { createProfileProvider, type ProfileProviderOptions } from "./profile-provider.ts";
import {
  createAssumeRoleProvider,
  createWebIdentityProvider,
  readWebIdentityToken,
  type StsAccess,
  type WebIdentity,
} from "./sts-providers.ts";

/** The sources of keys in order of precedence, and the role that the gateway assumes with the first key. */
export interface CredentialSettings {
  readonly environment: EnvironmentCredentialSources;
  readonly profile?: Omit<ProfileProviderOptions, "profile"> & { readonly name: string };
  readonly metadata?: InstanceMetadata;
  readonly webIdentity?: WebIdentity & { readonly region: string };
  readonly role?: RoleSession & { readonly region: string };
}

/** The parts that calls to STS share with calls to CAM. */
export interface CredentialChainDeps
  extends Pick<CamClientDeps, "config" | "signer" | "transport" | "skew" | "clock" | "onAttempt"> {
  /** Receives changes of the key that assumes roles. */
  readonly credentialObserver?: CredentialObserver;
}

/**
 * Creates the chain of credential sources in Tencent Cloud's order: environment, profile, instance metadata, web
 * identity. If `role` is set, the gateway assumes the role with the first key.
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

/** Creates a chain of one role, which the gateway assumes with the key of another chain. */
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

/** An empty chain. The gateway does not sign calls with a web identity. */
const NO_KEYS = createProviderChain([]);

/** Reads the files of the credential sources and returns their problems. Sends nothing to Tencent Cloud. */
export async function checkCredentialFiles({
  environment,
  profile,
  webIdentity,
}: CredentialSettings): Promise<readonly string[]> {
  const reads = [
    createEnvironmentProvider(environment).load(),
    profile && createProfileProvider({ ...profile, profile: profile.name }).load(),
    webIdentity && readWebIdentityToken(webIdentity.tokenFile),
  ];
  return (await Promise.allSettled(reads)).flatMap((read) => {
    if (read.status === "fulfilled") return [];
    if (read.reason instanceof CredentialError) return [read.reason.message];
    throw read.reason;
  });
}
