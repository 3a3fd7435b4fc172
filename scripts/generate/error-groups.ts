import {
  ACCESS_ERRORS,
  INTERFACE_ERRORS,
  REQUEST_ERRORS,
  SERVICE_ERRORS,
  USER_ERRORS,
} from "../../src/contract/catalogue/cam-answers.ts";
import {
  CONNECTION_ERRORS,
  GUARD_RAILS,
  REFUSALS,
  ROLLOUT_REFUSALS,
} from "../../src/contract/catalogue/gateway-codes.ts";
import { type CamErrorCode, type CamErrorInfo, describeCamError } from "../../src/contract/index.ts";

/** The catalogue under the headings of the documentation. */
const GROUPS = {
  "About the user": USER_ERRORS,
  "Tencent Cloud cannot carry it out": SERVICE_ERRORS,
  "Tencent Cloud does not accept the request": REQUEST_ERRORS,
  "Tencent Cloud refuses the gateway": ACCESS_ERRORS,
  "Tencent Cloud does not offer the interface": INTERFACE_ERRORS,
  "The gateway refuses": REFUSALS,
  "A person has to decide": GUARD_RAILS,
  Rollouts: ROLLOUT_REFUSALS,
  "Tencent Cloud gives no usable answer": CONNECTION_ERRORS,
};

export const errorGroups: readonly { readonly title: string; readonly errors: readonly CamErrorInfo[] }[] =
  Object.entries(GROUPS).map(([title, rows]) => ({
    title,
    errors: Object.keys(rows).map((code) => describeCamError(code as CamErrorCode)),
  }));
