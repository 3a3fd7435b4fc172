import { inspect } from "node:util";
import { expect } from "vitest";
import type { Credential } from "../../../src/cam/index.ts";

/** Returns a credential with readable secrets, to compare it. */
export function reveal(credential: Credential | undefined) {
  if (credential === undefined) return undefined;
  const { secretId, secretKey, token } = credential;
  return { secretId, secretKey: secretKey.reveal(), ...(token && { token: token.reveal() }) };
}

/** Returns the error of a failed load. Asserts that the error, printed in full, contains none of the secrets. */
export async function failureOf(loading: Promise<unknown>, ...secrets: readonly string[]): Promise<Error> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  for (const secret of secrets) expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
  return error as Error;
}
