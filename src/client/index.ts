/**
 * The gateway's TypeScript client for browsers and Node, and guards for its errors in any other GraphQL client. It
 * depends on the contract alone. Read cam-gateway-client.ts next, then cam-error-guards.ts.
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
export { camErrorOf, isCamError, type SingleGraphQLError } from "./cam-error-guards.ts";
export { type CamGatewayClient, createCamGatewayClient } from "./cam-gateway-client.ts";
export {
  CamGatewayError,
  GatewayTransportError,
  type GraphQLProblem,
  type TransportFailure,
} from "./client-errors.ts";
export type {
  AccountsInput,
  AvailableMethod,
  DirectoryFields,
  DirectoryScan,
  DirectoryScanStatus,
  DirectorySource,
  DirectoryUser,
  KnownMfa,
  MethodAvailability,
  MfaCoverage,
  MfaDrift,
  MfaDriftConnection,
  MfaDriftInput,
  MfaImage,
  MfaMethod,
  ProtectionCounts,
  ProtectionState,
  ProtectionStrength,
  ScanInput,
  SortDirection,
  SubUser,
  SubUserDirectoryConnection,
  SubUserDirectoryFilter,
  SubUserDirectoryInput,
  SubUserDirectoryOrder,
  SubUserDirectoryOrderField,
} from "./directory-types.ts";
export type { AuditEvent, AuditEventConnection, AuditEventKind, AuditEventsFilter } from "./event-types.ts";
export type {
  CallerPause,
  CamActionQuota,
  CamFailure,
  ChangedSubUser,
  ChangeResolution,
  DecisionInput,
  LoginActionFlag,
  MethodsToSwitch,
  MfaBeforeImage,
  MfaChange,
  MfaChangeApproval,
  MfaChangeCaller,
  MfaChangeConnection,
  MfaChangeDecision,
  MfaChangeEdge,
  MfaChangeStatus,
  MfaChangesFilter,
  MfaMethods,
  MfaMethodsOfBoth,
  MfaSource,
  PageInfo,
  ResumeCallerInput,
  SetSubUserMfaInput,
  SetSubUserMfaPayload,
  SetSubUserMfaResult,
  SubUserMfa,
} from "./schema-types.ts";
export type {
  CallOptions,
  CamGatewayClientOptions,
  ChangeOptions,
  GatewayFetch,
  GatewayRequest,
  GatewayResponse,
  ReadOptions,
} from "./send-operation.ts";
