import { goodTokens, tokensWithoutTheScope } from "./believed-tokens.ts";
import type { TokenCase } from "./token-case.ts";
import { wrongParties, wrongTimes } from "./wrong-claims.ts";
import { issuersAway, wrongForms } from "./wrong-forms.ts";
import { wrongAlgorithms, wrongKeys, wrongSignatures } from "./wrongly-signed-tokens.ts";

export const TOKEN_CASES: readonly TokenCase[] = [
  ...goodTokens,
  ...tokensWithoutTheScope,
  ...wrongAlgorithms,
  ...wrongKeys,
  ...wrongSignatures,
  ...wrongTimes,
  ...wrongParties,
  ...wrongForms,
  ...issuersAway,
];
