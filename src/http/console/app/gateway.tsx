import { type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";
import {
  type CallOptions,
  type CamGatewayClient,
  CamGatewayError,
  createCamGatewayClient,
  describeCamError,
  GatewayTransportError,
  type PageInfo,
  type TransportFailure,
} from "../../../client/index.ts";
import type { Session } from "./sign-in.ts";

type FieldError = CamGatewayError | GatewayTransportError;

/** The gateway for the parts of the page: the published client with the signed-in person's token. */
interface Gateway {
  /** The signed-in person. Undefined without sign-in. */
  readonly subject: string | undefined;
  readonly client: CamGatewayClient;
  /** Runs a read, and returns its result with the error of a null field inside it. */
  read<Result>(run: (client: CamGatewayClient) => Promise<Result>): Promise<PartialResult<Result>>;
}

/** A result and the error of a missing field in it. */
interface PartialResult<Result> {
  readonly result: Result;
  readonly fieldError: FieldError | undefined;
}

/** Connects to the GraphQL endpoint next to the console. */
export function connectGateway(session: Pick<Session, "accessToken" | "subject"> | undefined): Gateway {
  const options = {
    url: "./graphql",
    headers: session === undefined ? {} : { authorization: `Bearer ${session.accessToken}` },
  };
  return {
    subject: session?.subject,
    client: createCamGatewayClient(options),
    read: async (run) => {
      let fieldError: FieldError | undefined;
      const client = createCamGatewayClient({
        ...options,
        onFieldError: (error) => {
          fieldError ??= error;
        },
      });
      return { result: await run(client), fieldError };
    },
  };
}

const GatewayContext = createContext<Gateway | undefined>(undefined);
export const GatewayProvider = GatewayContext.Provider;

export function useGateway(): Gateway {
  const gateway = useContext(GatewayContext);
  if (gateway === undefined) throw new Error("This part of the page is outside the GatewayProvider.");
  return gateway;
}

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

/** The arguments of a page: its size and the end of the page before. */
interface PageInput {
  readonly first: number;
  readonly after: string | null;
}

/**
 * Reads a list of the gateway a page at a time.
 * @param pollMs Reads the list again at this interval. Undefined: not.
 */
export function usePages<Page extends { readonly pageInfo: PageInfo }>(
  queryKey: QueryKey,
  load: (input: PageInput, options: CallOptions) => Promise<Page>,
  pollMs?: number,
) {
  return useInfiniteQuery({
    queryKey,
    refetchInterval: pollMs ?? false,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => load({ first: 50, after: pageParam }, { signal }),
    getNextPageParam: ({ pageInfo }) => (pageInfo.hasNextPage ? pageInfo.endCursor : undefined),
  });
}

interface PagesProps {
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => unknown;
  readonly children: ReactNode;
}

/** A list that grows by a page at a time. */
export function Pages({
  error,
  isPending,
  hasNextPage,
  isFetchingNextPage,
  fetchNextPage,
  children,
}: PagesProps) {
  return (
    <>
      {error !== null && <Problem error={error} />}
      {isPending && <p role="status">Loading…</p>}
      {children}
      {hasNextPage && (
        <button type="button" disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
          Show more
        </button>
      )}
    </>
  );
}
