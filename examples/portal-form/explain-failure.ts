import {
  type CamErrorExtensions,
  CamGatewayError,
  describeCamError,
  GatewayTransportError,
} from "cam-mfa-gateway/client";
import { NotAUin } from "./typed-user.ts";

/** What the form tells a person, and what it does about it. */
export interface Explanation {
  readonly title: string;
  readonly advice: string;
  /** For the operator: code and request id. */
  readonly facts: string;
  /** The input that has to change. */
  readonly input?: "opUin" | "phone" | "wechat" | "reason" | "overwrite";
  /** How long the form waits before it can be sent again. */
  readonly waitMs?: number;
  /** Whether the user has to be read before anything else. */
  readonly readFirst?: boolean;
}

/** Explains whatever a call of the client threw. */
export function explainFailure(error: unknown): Explanation {
  if (error instanceof CamGatewayError) {
    const { code, requestId } = error.extensions;
    return {
      title: error.message,
      facts: `${code} · request ${requestId}`,
      ...explainCamError(error.extensions),
    };
  }
  if (error instanceof NotAUin) {
    return {
      title: "This is not a user's id.",
      advice: "Give the digits that the console shows, without letters or blanks. Nothing was sent.",
      facts: "",
      input: "opUin",
    };
  }
  if (error instanceof GatewayTransportError && wasNeverRun(error)) {
    return {
      title: "The gateway did not accept what was filled in.",
      advice: "Nothing was changed. Correct it, and try again.",
      facts: error.message,
    };
  }
  if (error instanceof GatewayTransportError && error.failure === "NETWORK") {
    return {
      title: "The gateway did not answer.",
      advice: "Try again: the same change is not made twice.",
      facts: error.reason ?? "",
    };
  }
  return {
    title: "Something unexpected happened.",
    advice: "Read the user's protection to see what holds, and tell the people who run this page.",
    facts: error instanceof GatewayTransportError ? error.message : "",
    readFirst: true,
  };
}

/** GraphQL refuses these before it runs anything. A code that is none of them may have come after a change was made. */
const BEFORE_RUNNING = ["BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"];

function wasNeverRun({ problems }: GatewayTransportError): boolean {
  return problems.length > 0 && problems.every(({ code }) => BEFORE_RUNNING.includes(code ?? ""));
}

type Advice = Omit<Explanation, "title" | "facts">;

function explainCamError(error: CamErrorExtensions): Advice {
  switch (error.code) {
    case "USER_NOT_BIND_PHONE":
      return { advice: "Bind a phone number to the user first, or choose another method.", input: "phone" };
    case "USER_NOT_BIND_WECHAT":
      return { advice: "Have the user bind WeChat first, or choose another method.", input: "wechat" };
    case "USER_UNBIND_NO_PERMISSION":
      return { advice: "Only the owner of the account can change this user, or permit it." };
    case "MFA_TOKEN_ERROR":
      return { advice: "This is not about you: the gateway's operator has to renew its session." };
    case "USER_NOT_EXIST":
      return {
        advice: "Check the id. The user may have been deleted, or belong to another account.",
        input: "opUin",
      };
    case "NOTHING_TO_CHANGE":
      return { advice: "Choose on or off for at least one method." };
    case "REASON_REQUIRED":
      return { advice: "Say why, and switch again.", input: "reason" };
    case "MFA_METHOD_NOT_WRITABLE":
      return {
        advice: "Leave that protection as it is, or give the other method up: tick the box and switch again.",
        input: "overwrite",
      };
    case "APPROVAL_REQUIRED":
      return {
        advice: `Have a colleague approve the change ${error.changeId ?? ""}${untilWhen(error)}. It is on record; switch nothing again.`,
      };
    case "ISSUER_UNAVAILABLE":
      return { advice: "You are still signed in. The form waits for you.", waitMs: error.retryAfterMs ?? 0 };
    case "OUTCOME_UNKNOWN":
      return { advice: "Read the user's protection before you switch again.", readFirst: true };
    default:
      if (error.category === "THROTTLED") {
        return { advice: "Too much is going on. The form waits for you.", waitMs: error.retryAfterMs };
      }
      // Codes that need nothing of this form are explained by the catalogue, also those that come later.
      return { advice: describeCamError(error.code).remedy };
  }
}

function untilWhen({ expiresAt }: CamErrorExtensions): string {
  return expiresAt === undefined ? "" : `, by ${new Date(expiresAt).toLocaleString()}`;
}
