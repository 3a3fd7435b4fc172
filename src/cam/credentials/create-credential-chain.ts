import type { Clock } from "../../clock.ts";
import { Secret, type SecretSource } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { assumeRole, assumeRoleWithWebIdentity, type RoleSession } from "../actions/sts.ts";
import { CamClient, type CamClientDeps } from "../cam-client.ts";
import type { CamAction } from "../protocol.ts";
import { unlimitedQuota } from "../quota.ts";
import {
  type Credential,
  CredentialCache,
  type CredentialChain,
  CredentialError,
  type CredentialObserver,
  type CredentialProvider,
  createProviderChain,
} from "./credential.ts";
import { createMetadataProvider, type InstanceMetadata } from "./metadata-provider.ts";
import { createProfileProvider, type ProfileProviderOptions } from "./profile-provider.ts";

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
  return { clock, client: new CamClient({ ...deps, config, credentials, quota: unlimitedQuota }) };
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

interface WebIdentity {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly providerId: string;
  /** The file of the mounted token, which the cluster replaces well before it expires. */
  readonly tokenFile: string;
}

interface StsAccess {
  readonly client: CamClient;
  readonly clock: Clock;
}

/** Creates a provider of TKE's pod identity: the role of the service account. Reads the token file at every load. */
function createWebIdentityProvider(identity: WebIdentity, sts: StsAccess): CredentialProvider {
  const { tokenFile, ...session } = identity;
  return {
    name: `web identity for ${session.roleArn}`,
    async load() {
      const token = await readWebIdentityToken(tokenFile);
      return assume(assumeRoleWithWebIdentity, { ...session, token }, sts);
    },
  };
}

/** Reads the token of a web identity. @throws CredentialError */
async function readWebIdentityToken(path: string): Promise<Secret> {
  let text: string;
  try {
    text = (await readUtf8File(path)).trim();
  } catch (cause) {
    throw new CredentialError(`The web identity token ${path} ${whyUnreadable(cause)}.`, { cause });
  }
  if (text === "") throw new CredentialError(`The web identity token ${path} is empty.`);
  return new Secret(text);
}

/** Creates a provider of a role, which the gateway assumes with the key of `sts`. */
function createAssumeRoleProvider(session: RoleSession, sts: StsAccess): CredentialProvider {
  return { name: `role ${session.roleArn}`, load: () => assume(assumeRole, session, sts) };
}

/** The longest time of one call to STS, including its retries. */
const STS_DEADLINE_MS = 10_000;

/** Assumes a role. @throws CredentialError with the error of the call as its cause. */
async function assume<Input extends { readonly roleArn: string }>(
  action: CamAction<Input, Credential>,
  input: Input,
  { client, clock }: StsAccess,
): Promise<Credential> {
  const role = input.roleArn;
  try {
    // Many requests use one key, so the trace id does not name a request.
    const options = { deadlineMs: clock.monotonic() + STS_DEADLINE_MS, traceId: "credentials" };
    return { ...(await client.call(action, input, options)).output, role };
  } catch (cause) {
    throw new CredentialError(`STS gave no key for the role ${role}.`, { cause });
  }
}

/** The parts of a key. Each is a value or the path of a file. */
export interface EnvironmentCredentialSources {
  readonly secretId?: SecretSource;
  readonly secretKey?: SecretSource;
  readonly token?: SecretSource;
}

/**
 * Creates a provider of TENCENTCLOUD_SECRET_ID, _SECRET_KEY and _SESSION_TOKEN. It reads files at every load, to find a
 * rotated secret. It returns undefined without a key pair, and rejects half a pair.
 */
export function createEnvironmentProvider(sources: EnvironmentCredentialSources): CredentialProvider {
  return {
    name: "environment",
    async load(): Promise<Credential | undefined> {
      const [secretId, secretKey, token] = await Promise.all([
        readCredentialSource(sources.secretId),
        readCredentialSource(sources.secretKey),
        readCredentialSource(sources.token),
      ]);
      if (secretId === undefined && secretKey === undefined) return undefined;
      if (secretId === undefined || secretKey === undefined) {
        throw new CredentialError(
          `Half a key pair: the ${secretId === undefined ? "id" : "key"} is missing or blank.`,
        );
      }
      return {
        secretId,
        secretKey: new Secret(secretKey),
        ...(token === undefined ? {} : { token: new Secret(token) }),
      };
    },
  };
}

/**
 * Reads and trims a value. A line end in a mounted file, or a space around a copied key, is the most common cause of a
 * rejected signature. Returns undefined for a blank value.
 */
async function readCredentialSource(source: SecretSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  if ("value" in source) return source.value.reveal().trim() || undefined;
  try {
    return (await readUtf8File(source.file)).trim() || undefined;
  } catch (cause) {
    throw new CredentialError(`The credential file ${source.file} ${whyUnreadable(cause)}.`, { cause });
  }
}

/** Creates a provider of a fixed key. */
export function createStaticProvider(credential: Credential): CredentialProvider {
  return { name: "static", load: () => Promise.resolve(credential) };
}
