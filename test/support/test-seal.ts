import { RequestSeal } from "../../src/audit/request-seal.ts";

/** What the logs of tests seal requests for approval with. */
export const TEST_SEAL = RequestSeal.ofSecret(Buffer.alloc(32, 7));
