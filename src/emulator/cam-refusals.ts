export type Language = "en-US" | "zh-CN";

/** A refusal of CAM: the content of the envelope's `Error`. Programs read the code, never the message. */
export class CamRefusal extends Error {
  override readonly name = "CamRefusal";
  readonly code: string;
  readonly #chinese: string;

  constructor(code: string, english: string, chinese: string = english) {
    super(english);
    this.code = code;
    this.#chinese = chinese;
  }

  messageIn(language: Language): string {
    return language === "zh-CN" ? this.#chinese : this.message;
  }
}

/** The refusals in the vendor's words, as known from real replies and comments in the SDKs. */
export const refusals = {
  missingParameter: (name: string) =>
    new CamRefusal(
      "MissingParameter",
      `The request is missing a required parameter \`${name}\`.`,
      `缺少必要参数 \`${name}\`。`,
    ),
  unknownParameter: (name: string) =>
    new CamRefusal(
      "UnknownParameter",
      `The parameter \`${name}\` is not recognized.`,
      `未知参数 \`${name}\`。`,
    ),
  parameterType: (name: string) =>
    new CamRefusal(
      "InvalidParameter",
      `The value type of parameter \`${name}\` is not valid.`,
      `参数 \`${name}\` 的类型不正确。`,
    ),
  invalidParameter: (reason: string) => new CamRefusal("InvalidParameter", reason),
  parameterValue: (name: string) =>
    new CamRefusal(
      "InvalidParameterValue",
      `A value specified in \`${name}\` is not valid, is unsupported, or cannot be used.`,
      `参数 \`${name}\` 的取值错误。`,
    ),
  invalidAction: (action: string) =>
    new CamRefusal("InvalidAction", `The API \`${action}\` does not exist.`, `接口 \`${action}\` 不存在。`),
  noSuchVersion: (version: string) =>
    new CamRefusal(
      "NoSuchVersion",
      `The API version \`${version}\` does not exist.`,
      `接口版本 \`${version}\` 不存在。`,
    ),
  unsupportedProtocol: () =>
    new CamRefusal(
      "UnsupportedProtocol",
      "The HTTP(S) request protocol is incorrect. Only GET and POST requests are supported.",
      "HTTP(S)请求协议错误，只支持 GET 和 POST 请求。",
    ),
  unsupportedOperation: (reason: string) => new CamRefusal("UnsupportedOperation", reason),
  requestTooLarge: () =>
    new CamRefusal(
      "RequestSizeLimitExceeded",
      "The request size exceeds the upper limit.",
      "请求包超过限制大小。",
    ),
  requestTooLargeForV1: () =>
    new CamRefusal(
      "RequestSizeLimitExceeded",
      "The request is refused because of exceeding request size limit, please use new signature method `TC3-HMAC-SHA256`.",
    ),
  invalidAuthorization: () =>
    new CamRefusal(
      "AuthFailure.InvalidAuthorization",
      "The `Authorization` header of the request does not conform to the Tencent Cloud standard.",
      "请求头部的 `Authorization` 不符合腾讯云标准。",
    ),
  invalidSecretId: () =>
    new CamRefusal(
      "AuthFailure.InvalidSecretId",
      "The SecretId is not a valid Cloud API key type.",
      "密钥非法（不是云 API 密钥类型）。",
    ),
  secretIdNotFound: () =>
    new CamRefusal(
      "AuthFailure.SecretIdNotFound",
      "The SecretId is not found, please ensure that your SecretId is correct.",
      "密钥不存在，请检查密钥是否已被删除或者禁用。",
    ),
  signatureExpired: () =>
    new CamRefusal(
      "AuthFailure.SignatureExpire",
      "The request has expired: the timestamp must not differ from the server time by more than five minutes.",
      "签名过期：Timestamp 和服务器时间相差不得超过五分钟。",
    ),
  signatureFailure: () =>
    new CamRefusal(
      "AuthFailure.SignatureFailure",
      "The provided credentials could not be validated. Please check your signature is correct.",
      "签名错误，请检查签名计算过程。",
    ),
  tokenFailure: () =>
    new CamRefusal(
      "AuthFailure.TokenFailure",
      "Token verification failed, please check if your Token is correct.",
      "Token 错误。",
    ),
  throttled: (timesInSecond: number, limit: number) =>
    new CamRefusal(
      "RequestLimitExceeded",
      `Your current request times equals to \`${timesInSecond}\` in a second, which exceeds the frequency limit \`${limit}\` for a second. Please reduce the frequency of calls.`,
      `您当前每秒请求 \`${timesInSecond}\` 次，超过了每秒频率上限 \`${limit}\` 次，请稍后重试。`,
    ),
  userNotBindPhone: () =>
    new CamRefusal(
      "FailedOperation.UserNotBindPhone",
      "No mobile number is bound to the user.",
      "用户未绑定手机。",
    ),
  userNotBindWechat: () =>
    new CamRefusal(
      "FailedOperation.UserNotBindWechat",
      "No WeChat account is bound to the user.",
      "用户未绑定微信。",
    ),
  userUnbindNoPermission: () =>
    new CamRefusal(
      "FailedOperation.UserUnbindNoPermission",
      "The user set has no permission.",
      "设置的用户没有权限。",
    ),
  mfaTokenError: () =>
    new CamRefusal(
      "InvalidParameter.MFATokenError",
      "Multi-factor authentication token verification failed.",
      "多因子 Token 校验失败。",
    ),
  userNotFound: () =>
    new CamRefusal("ResourceNotFound.UserNotExist", "The user does not exist.", "用户不存在。"),
  userOutsideAccount: () =>
    new CamRefusal("InvalidParameter.UserNotExist", "The user object does not exist.", "用户对象不存在。"),
  roleNotFound: () =>
    new CamRefusal(
      "ResourceNotFound.RoleNotFound",
      "The role of the account does not exist.",
      "账号对应的角色不存在。",
    ),
  sessionTooLong: () =>
    new CamRefusal(
      "InvalidParameter.OverTimeError",
      "The expiration time exceeds the threshold.",
      "过期时间超过阈值。",
    ),
  stsParameter: (name: string) =>
    new CamRefusal(
      "InvalidParameter.ParamError",
      `The parameter \`${name}\` is not valid.`,
      `参数 \`${name}\` 错误。`,
    ),
  webIdentityToken: (reason: string) =>
    new CamRefusal("InvalidParameter.WebIdentityTokenError", `The WebIdentityToken ${reason}.`),
  unauthorized: (reason: string) => new CamRefusal("UnauthorizedOperation", reason),
  internalError: () => new CamRefusal("InternalError", "An internal error occurred.", "内部错误。"),
};
