/**
 * The gateway's client for TypeScript, in browsers and Node, and guards for its errors in any other GraphQL client.
 * It depends on the contract alone, and that on nothing.
 */

export {
  type CamAnswer,
  type CamErrorCategory,
  type CamErrorCode,
  type CamErrorExtensions,
  type CamErrorExtensionsByCode,
  type CamErrorInfo,
  describeCamError,
  isCamErrorCode,
} from "../contract/index.ts";
export { camErrorOf } from "./cam-error-of.ts";
export { type CamGatewayClient, createCamGatewayClient } from "./cam-gateway-client.ts";
export { CamGatewayError } from "./cam-gateway-error.ts";
export type { CallOptions, CamGatewayClientOptions, ChangeOptions, ReadOptions } from "./client-options.ts";
export type { GatewayFetch, GatewayRequest, GatewayResponse } from "./gateway-fetch.ts";
export {
  GatewayTransportError,
  type GraphQLProblem,
  type TransportFailure,
} from "./gateway-transport-error.ts";
export { isCamError, type SingleGraphQLError } from "./is-cam-error.ts";
export type { CallerPause, ResumeCallerInput } from "./results/caller-pause.ts";
export type { CamActionQuota } from "./results/cam-action-quota.ts";
export type { DecisionInput } from "./results/decision-input.ts";
export type {
  ChangeResolution,
  MfaBeforeImage,
  MfaChange,
  MfaChangeApproval,
  MfaChangeCaller,
  MfaChangeDecision,
  MfaChangeStatus,
  MfaMethods,
  MfaMethodsOfBoth,
} from "./results/mfa-change.ts";
export type {
  MfaChangeConnection,
  MfaChangeEdge,
  MfaChangesFilter,
  PageInfo,
} from "./results/mfa-changes.ts";
export type {
  CamFailure,
  ChangedSubUser,
  SetSubUserMfaPayload,
  SetSubUserMfaResult,
} from "./results/set-sub-user-mfa.ts";
export type { MethodsToSwitch, SetSubUserMfaInput } from "./results/set-sub-user-mfa-input.ts";
export type { LoginActionFlag, MfaSource, SubUser, SubUserMfa } from "./results/sub-user.ts";
