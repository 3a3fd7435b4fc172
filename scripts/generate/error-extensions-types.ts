import { CAM_ERROR_CATALOGUE, type CamErrorInfo } from "../../src/contract/index.ts";
import { GENERATED_NOTICE } from "./artefact.ts";

/** The TypeScript union of `errors[].extensions`, discriminated by `code`. */
export function renderErrorExtensionsTypes(): string {
  return `// ${GENERATED_NOTICE}
import type { CamErrorFacts } from "./facts.ts";

/** The shape of \`errors[].extensions\`, by code. */
export interface CamErrorExtensionsByCode {
${CAM_ERROR_CATALOGUE.map(renderMember).join("\n")}
}

/** \`errors[].extensions\` of any error of the gateway: a union that \`code\` discriminates. */
export type CamErrorExtensions = CamErrorExtensionsByCode[keyof CamErrorExtensionsByCode];
`;
}

function renderMember({ code, category, retryable, message, remedy }: CamErrorInfo): string {
  const required = category === "THROTTLED" ? "\n    readonly retryAfterMs: number;" : "";
  return `  /** ${message} ${remedy} */
  readonly ${code}: CamErrorFacts & {
    readonly code: "${code}";
    readonly category: "${category}";
    readonly retryable: ${retryable};${required}
  };`;
}
