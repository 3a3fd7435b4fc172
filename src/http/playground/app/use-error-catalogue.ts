import { useEffect, useState } from "react";
import { postToGateway } from "./post-to-gateway.ts";

export interface CatalogueEntry {
  code: string;
  category: string;
  retryable: boolean;
  message: string;
  remedy: string;
  camCodes: string[];
}

const CATALOGUE = `query PlaygroundErrorCatalogue {
  camErrors { code category retryable message remedy camCodes }
}`;

/** The catalogue, or a sentence that stands in for it. */
export function useErrorCatalogue(): CatalogueEntry[] | string {
  const [catalogue, setCatalogue] = useState<CatalogueEntry[] | string>("Loading…");
  useEffect(() => {
    postToGateway({ query: CATALOGUE }).then(({ data, errors }) =>
      setCatalogue((data as { camErrors: CatalogueEntry[] } | null)?.camErrors ?? errors?.[0]?.message ?? ""),
    );
  }, []);
  return catalogue;
}
