import { businessErrors } from "../../src/contract/catalogue/business.ts";
import { camAccessErrors } from "../../src/contract/catalogue/cam-access.ts";
import { camInterfaceErrors } from "../../src/contract/catalogue/cam-interface.ts";
import { camRequestErrors } from "../../src/contract/catalogue/cam-request.ts";
import { camServiceErrors } from "../../src/contract/catalogue/cam-service.ts";
import { connectionErrors } from "../../src/contract/catalogue/connection.ts";
import { guardRails } from "../../src/contract/catalogue/guard-rails.ts";
import { refusals } from "../../src/contract/catalogue/refusals.ts";
import type { CamErrorInfo } from "../../src/contract/index.ts";

export interface ErrorGroup {
  readonly title: string;
  readonly errors: readonly CamErrorInfo[];
}

/** The catalogue under the headings of the documentation. */
export const errorGroups: readonly ErrorGroup[] = [
  { title: "About the user", errors: businessErrors },
  { title: "Tencent Cloud could not do it", errors: camServiceErrors },
  { title: "Tencent Cloud does not take the request", errors: camRequestErrors },
  { title: "Tencent Cloud refuses the gateway", errors: camAccessErrors },
  { title: "Tencent Cloud offers no such interface", errors: camInterfaceErrors },
  { title: "The gateway refuses", errors: refusals },
  { title: "Somebody else has to agree", errors: guardRails },
  { title: "Tencent Cloud gave no usable answer", errors: connectionErrors },
];
