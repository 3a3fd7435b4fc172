/** What STS and the console call a role. */
const ROLE_ARN = /^qcs::cam::uin\/\d+:role(Name)?\/\S+$/;

/** Adds to `problems` where the variable's value is no role. */
export function checkRoleArn(variable: string, text: string, problems: string[]): void {
  if (ROLE_ARN.test(text)) return;
  problems.push(`${variable} must be a role, for example qcs::cam::uin/100000000001:roleName/mfa-gateway.`);
}
