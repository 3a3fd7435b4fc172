import type { CredentialSettings } from "../../../src/cam/index.ts";
import { Secret } from "../../../src/secret.ts";

/** The emulator's default key, in the form of the environment variables. */
export const OWN_PAIR: CredentialSettings["environment"] = {
  secretId: { value: new Secret("AKIDLOCALEXAMPLE") },
  secretKey: { value: new Secret("LocalExampleSecretKey") },
};

export const ROLE_ARN = "qcs::cam::uin/100000000001:roleName/mfa-gateway";

export const ROLE: NonNullable<CredentialSettings["role"]> = {
  roleArn: ROLE_ARN,
  sessionName: "cam-mfa-gateway",
  region: "ap-guangzhou",
};
