import type { CamAnswer, CamErrorCategory, CamErrorCode } from "../contract/index.ts";

/** Errors of other services have extensions too, so every key can be missing and `code` can be another string. */
interface GatewayExtensions {
  code?: CamErrorCode | (string & {});
  category?: CamErrorCategory | (string & {});
  retryable?: boolean;
  retryAfterMs?: number;
  requestId?: string;
  changeId?: string;
  expiresAt?: string;
  opUin?: string;
  cam?: CamAnswer;
}

/** Types the extensions of graphql-js for programs that use it: `import type {} from` this file is enough. */
declare module "graphql/error/GraphQLError.js" {
  interface GraphQLErrorExtensions extends GatewayExtensions {}
  interface GraphQLFormattedErrorExtensions extends GatewayExtensions {}
}
