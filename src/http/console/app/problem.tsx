import {
  CamGatewayError,
  describeCamError,
  GatewayTransportError,
  type TransportFailure,
} from "../../../client/index.ts";

/** Explains a failure where it happened: what happened, what to do, and the facts that an operator needs. */
export function Problem({ error }: { readonly error: unknown }) {
  const { title, advice, facts } = explain(error);
  return (
    <div role="alert" className="problem">
      <p>
        <strong>{title}</strong>
      </p>
      <p>{advice}</p>
      {facts !== "" && <p className="facts">{facts}</p>}
    </div>
  );
}

interface Explanation {
  readonly title: string;
  readonly advice: string;
  readonly facts: string;
}

const TRANSPORT_ADVICE: Readonly<Record<TransportFailure, string>> = {
  INVALID_HEADER: "Sign in again.",
  NETWORK: "Check your connection, then try again. The gateway does not make the same change twice.",
  HTTP: "Try again. If it persists, tell the gateway's operator.",
  NOT_GRAPHQL: "Tell the gateway's operator: something between this page and the gateway changes answers.",
  REJECTED: "Correct the input. If it is right, reload the page: it may be older than the gateway.",
};

function explain(error: unknown): Explanation {
  if (error instanceof CamGatewayError) {
    const { code, requestId, cam, changeId } = error.extensions;
    const facts = [code, cam?.code, changeId && `change ${changeId}`, requestId && `request ${requestId}`];
    return {
      title: error.message,
      advice: describeCamError(code).remedy,
      facts: facts.filter(Boolean).join(" · "),
    };
  }
  if (error instanceof GatewayTransportError) {
    const { failure, message, status } = error;
    const isSignedOut = status === 401;
    return {
      title: message,
      advice: isSignedOut ? "Reload the page to sign in again." : TRANSPORT_ADVICE[failure],
      facts: "",
    };
  }
  return {
    title: error instanceof Error ? error.message : "Something unexpected happened.",
    advice: "Reload the page. If it persists, tell the gateway's operator.",
    facts: "",
  };
}
