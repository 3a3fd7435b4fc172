import type { RoleSession } from "../actions/assume-role.ts";
import { CamClient, type CamClientDeps } from "../cam-client.ts";
import { unlimitedBudget } from "../rate-budget.ts";
import {
  type CredentialChain,
  CredentialError,
  type CredentialProvider,
  createProviderChain,
} from "./credential.ts";
import { CredentialCache, type CredentialObserver } from "./credential-cache.ts";
import { createEnvironmentProvider, type EnvironmentCredentialSources } from "./environment-provider.ts";
import { createMetadataProvider, type InstanceMetadata } from "./metadata-provider.ts";
import { createProfileProvider, type ProfileProviderOptions } from "./profile-provider.ts";
import type { StsAccess } from "./sts-providers.ts";
import {
  createAssumeRoleProvider,
  createWebIdentityProvider,
  readWebIdentityToken,
  type WebIdentity,
} from "./sts-providers.ts";

/** Where keys are looked for, in this order, and which role is assumed with what is found. */
export interface CredentialSettings {
  readonly environment: EnvironmentCredentialSources;
  readonly profile?: Omit<ProfileProviderOptions, "profile"> & { readonly name: string };
  readonly metadata?: InstanceMetadata;
  readonly webIdentity?: WebIdentity & { readonly region: string };
  readonly role?: RoleSession & { readonly region: string };
}

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

/** What is wrong with the files of a place for keys, as far as reading shows it: nobody is asked whether a key is good. */
export async function checkCredentialFiles({
  environment,
  profile,
  webIdentity,
}: CredentialSettings): Promise<readonly string[]> {
  const places: readonly Pick<CredentialProvider, "load">[] = [
    createEnvironmentProvider(environment),
    ...(profile ? [createProfileProvider({ ...profile, profile: profile.name })] : []),
  ];
  const looks = [
    ...places.map((place) => place.load()),
    ...(webIdentity ? [readWebIdentityToken(webIdentity.tokenFile)] : []),
  ];
  const problems: string[] = [];
  for (const look of await Promise.allSettled(looks)) {
    if (look.status === "fulfilled") continue;
    if (!(look.reason instanceof CredentialError)) throw look.reason;
    problems.push(look.reason.message);
  }
  return problems;
}
