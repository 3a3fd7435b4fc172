import type { CamAnswer, CamErrorCategory, CamErrorCode } from "../contract/index.ts";

/**
 * Types the extensions of graphql-js, for programs that have it installed: `import type {} from` this file is enough.
 * Other services' errors have extensions too, so everything here may be missing and `code` may be another string.
 */
declare module "graphql/error/GraphQLError.js" {
  interface GraphQLErrorExtensions {
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

  interface GraphQLFormattedErrorExtensions {
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
}
