import { inspect } from "node:util";
import { expect } from "vitest";
import type { Credential } from "../../../src/cam/index.ts";

/** A credential with its secrets readable, for comparing. */
export function reveal(credential: Credential | undefined) {
  if (credential === undefined) return undefined;
  const { secretId, secretKey, token } = credential;
  return { secretId, secretKey: secretKey.reveal(), ...(token && { token: token.reveal() }) };
}

/** The error of a load that fails, after a look for secrets in everything that a log would print of it. */
export async function failureOf(loading: Promise<unknown>, ...secrets: readonly string[]): Promise<Error> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  for (const secret of secrets) expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
  return error as Error;
}
