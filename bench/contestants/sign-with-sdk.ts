import sdk from "tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js";
import { measureSigning, SIGNED } from "./measure-signing.ts";

/** The official SDK's signer. It gets the body as bytes, which saves a serialisation that its client does. */
const { host, contentType, body, service, secretId, secretKey } = SIGNED;
const payload = Buffer.from(body);

measureSigning((timestamp) =>
  sdk.default.sign3({
    method: "POST",
    url: `https://${host}/`,
    payload,
    timestamp,
    service,
    secretId,
    secretKey,
    multipart: false,
    boundary: "",
    headers: { "Content-Type": contentType },
  }),
);
