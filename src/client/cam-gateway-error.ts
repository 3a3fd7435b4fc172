import type { CamErrorCode, CamErrorExtensionsByCode } from "../contract/index.ts";

/** A business error that the gateway reported. Its message is safe to show a person. */
export class CamGatewayError<Code extends CamErrorCode = CamErrorCode> extends Error {
  override readonly name = "CamGatewayError";
  readonly code: Code;
  /** A union that `code` discriminates: switch on `extensions.code`. */
  readonly extensions: CamErrorExtensionsByCode[Code];

  constructor(message: string, extensions: CamErrorExtensionsByCode[Code]) {
    super(message);
    this.code = extensions.code as Code;
    this.extensions = extensions;
  }
}
