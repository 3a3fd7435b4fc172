import sdk from "tencentcloud-sdk-nodejs-common/tencentcloud/common/sign.js";
import { measureSigning, SIGNED } from "./measure-signing.ts";

/** The official SDK's signer. It gets the body as bytes and so omits the serialisation of its client. */
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
