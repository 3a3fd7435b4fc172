import { type Credential, CredentialError, type CredentialProvider } from "./credential.ts";

/** Providers in order of precedence. */
export interface CredentialChain {
  readonly name: string;
  /** @throws CredentialError where no provider has a credential, or one is broken. */
  load(): Promise<Credential>;
}

/**
 * Asks each provider in turn and takes the first credential. A provider that is present but broken ends the
 * search: falling through would sign with a key that nobody meant.
 */
export function createProviderChain(providers: readonly CredentialProvider[]): CredentialChain {
  return {
    name: providers.map((provider) => provider.name).join(", "),
    async load(): Promise<Credential> {
      for (const provider of providers) {
        const credential = await provider.load();
        if (credential !== undefined) return credential;
      }
      const tried = providers.map((provider) => provider.name).join(", ") || "none configured";
      throw new CredentialError(`No credential for CAM was found; looked in: ${tried}.`);
    },
  };
}
