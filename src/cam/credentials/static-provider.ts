import type { Credential, CredentialProvider } from "./credential.ts";

export function createStaticProvider(credential: Credential): CredentialProvider {
  return { name: "static", load: () => Promise.resolve(credential) };
}
