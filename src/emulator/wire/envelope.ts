import type { CamRefusal, Language } from "../cam-refusal.ts";
import { stringifyExactJson } from "./exact-json.ts";

export function successEnvelope(response: Record<string, unknown>, requestId: string): string {
  return stringifyExactJson({ Response: { ...response, RequestId: requestId } });
}

export function refusalEnvelope(refusal: CamRefusal, language: Language, requestId: string): string {
  const error = { Code: refusal.code, Message: refusal.messageIn(language) };
  return stringifyExactJson({ Response: { Error: error, RequestId: requestId } });
}
