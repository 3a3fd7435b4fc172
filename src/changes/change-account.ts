import type { CamClient } from "../cam/index.ts";
import type { BlockWriter } from "./block-writer.ts";
import type { GatewayIdentity } from "./gateway-identity.ts";

/** What a change needs of the account that it is made in. */
export interface ChangeAccount {
  readonly name: string;
  readonly cam: Pick<CamClient, "call">;
  readonly writer: BlockWriter;
  readonly gatewayIdentity: Pick<GatewayIdentity, "has" | "knows">;
}
