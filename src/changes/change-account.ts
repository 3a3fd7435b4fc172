import type { CamClient } from "../cam/index.ts";
import type { FlagWriter } from "./flag-writer.ts";
import type { GatewayIdentity } from "./gateway-identity.ts";

/** What a change needs of the account that it is made in. */
export interface ChangeAccount {
  readonly name: string;
  readonly cam: Pick<CamClient, "call">;
  readonly writer: FlagWriter;
  readonly gatewayIdentity: Pick<GatewayIdentity, "has" | "knows">;
}
