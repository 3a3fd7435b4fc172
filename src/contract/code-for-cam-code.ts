import { CAM_ERROR_CATALOGUE, type CamErrorCode } from "./catalogue.ts";

const codeByCamCode = new Map<string, CamErrorCode>(
  CAM_ERROR_CATALOGUE.flatMap(({ code, camCodes }) => camCodes.map((camCode) => [camCode, code] as const)),
);

const longestCamCode = Math.max(...Array.from(codeByCamCode.keys(), (camCode) => camCode.length));

/**
 * Our code for a code of the vendor's: by the whole code first, then by ever shorter prefixes that end before
 * a dot, because the vendor keeps adding sub-codes. CAM_UNKNOWN_ERROR for everything else.
 *
 * The vendor's message never decides: it changes with language and time.
 */
export function codeForCamCode(camCode: string): CamErrorCode {
  // Nothing longer than the longest known code can match, so a hostile string costs no more than a short one.
  let end = camCode.length <= longestCamCode ? camCode.length : camCode.lastIndexOf(".", longestCamCode);
  for (; end > 0; end = camCode.lastIndexOf(".", end - 1)) {
    const code = codeByCamCode.get(camCode.slice(0, end));
    if (code !== undefined) return code;
  }
  return "CAM_UNKNOWN_ERROR";
}
