import { createContext, useContext } from "react";
import {
  type CamGatewayClient,
  type CamGatewayError,
  createCamGatewayClient,
  type GatewayTransportError,
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
