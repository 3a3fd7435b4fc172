import { RequestSeal } from "../../src/audit/request-seal.ts";

/** The key that seals requests for approval in tests. */
export const TEST_SEAL = RequestSeal.ofSecret(Buffer.alloc(32, 7));
