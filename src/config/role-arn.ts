/** What STS and the console call a role. */
const ROLE_ARN = /^qcs::cam::uin\/\d+:role(Name)?\/\S+$/;

export const ROLE_ARN_RULE = "must be a role, for example qcs::cam::uin/100000000001:roleName/mfa-gateway";

export function isRoleArn(text: string): boolean {
  return ROLE_ARN.test(text);
}

/** Adds to `problems` where the variable's value is no role. */
export function checkRoleArn(variable: string, text: string, problems: string[]): void {
  if (!isRoleArn(text)) problems.push(`${variable} ${ROLE_ARN_RULE}.`);
}
