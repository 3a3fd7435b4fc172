import type { CamEndpoint } from "./cam-endpoint.ts";

export interface CamClientConfig {
  readonly endpoint: CamEndpoint;
  /** X-TC-Language of CAM's messages, which only logs see. */
  readonly language: "en-US" | "zh-CN";
  /** For one attempt, from connecting to the last byte of the reply. */
  readonly timeoutMs: number;
  /** X-TC-Region, which STS asks for and CAM does not. */
  readonly region?: string;
}
