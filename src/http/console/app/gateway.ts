import { createContext, useContext } from "react";
import {
  type CamGatewayClient,
  type CamGatewayError,
  createCamGatewayClient,
  type GatewayTransportError,
} from "../../../client/index.ts";

type FieldError = CamGatewayError | GatewayTransportError;

/** The gateway for the parts of the page: the published client with the signed-in person's token. */
interface Gateway {
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
export function connectGateway(accessToken: string | undefined): Gateway {
  const options = {
    url: "./graphql",
    headers: accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` },
  };
  return {
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
