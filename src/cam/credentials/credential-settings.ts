import type { RoleSession } from "../actions/assume-role.ts";
import type { EnvironmentCredentialSources } from "./environment-provider.ts";
import type { InstanceMetadata } from "./metadata-provider.ts";
import type { ProfileProviderOptions } from "./profile-provider.ts";
import type { WebIdentity } from "./web-identity-provider.ts";

/** Where keys are looked for, in this order, and which role is assumed with what is found. */
export interface CredentialSettings {
  readonly environment: EnvironmentCredentialSources;
  readonly profile?: Omit<ProfileProviderOptions, "profile"> & { readonly name: string };
  readonly metadata?: InstanceMetadata;
  readonly webIdentity?: WebIdentity & { readonly region: string };
  readonly role?: RoleSession & { readonly region: string };
}
