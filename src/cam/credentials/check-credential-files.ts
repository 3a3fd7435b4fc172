import { CredentialError, type CredentialProvider } from "./credential.ts";
import type { CredentialSettings } from "./credential-settings.ts";
import { createEnvironmentProvider } from "./environment-provider.ts";
import { createProfileProvider } from "./profile-provider.ts";
import { readWebIdentityToken } from "./web-identity-provider.ts";

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
