import { type Mask, only, type WireError } from "./wire-error.ts";

export interface CosmoConfig {
  readonly subgraph_error_propagation?: {
    readonly mode?: "wrapped" | "pass-through";
    readonly attach_service_name?: boolean;
    readonly omit_extensions?: boolean;
    readonly allow_all_extension_fields?: boolean;
    readonly allowed_extension_fields?: readonly string[];
  };
}

/**
 * Applies the rules of mergeErrors in v2/pkg/engine/resolve/loader.go of wundergraph/graphql-go-tools, with the
 * defaults of docs-website/router/subgraph-error-propagation.mdx and router/pkg/config/config.go of wundergraph/cosmo.
 * Wraps all errors of one request to a subgraph into one.
 */
export function maskAsCosmo({ subgraph_error_propagation = {} }: CosmoConfig): Mask {
  const {
    mode = "wrapped",
    attach_service_name = true,
    omit_extensions = false,
    allow_all_extension_fields = false,
    allowed_extension_fields = ["code"],
  } = subgraph_error_propagation;
  const keep = ({ message, path, extensions }: WireError): WireError => ({
    message,
    ...(path === undefined ? {} : { path }),
    extensions: { ...(allow_all_extension_fields ? extensions : only(allowed_extension_fields, extensions)) },
  });
  const finish = (error: WireError, subgraph: string): WireError => {
    const { extensions, ...bare } = error;
    if (omit_extensions) return bare;
    return attach_service_name ? { ...bare, extensions: { ...extensions, serviceName: subgraph } } : error;
  };
  return (errors, subgraph) => {
    const kept = errors.map(keep);
    if (mode === "pass-through") return kept.map((error) => finish(error, subgraph));
    const message = `Failed to fetch from Subgraph '${subgraph}'.`;
    return [finish({ message, extensions: { errors: kept } }, subgraph)];
  };
}
