import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Agent } from "undici";
import { z } from "zod";
import { Tc3Signer } from "../../src/cam/signing/tc3-signer.ts";
import { Secret } from "../../src/secret.ts";
import { EXAMPLE_KEY } from "../support/example-key.ts";

/**
 * The minimal careful implementation of one change, without framework, GraphQL, retries, quota or log. It validates its
 * input and CAM's answer, completes the flag sets from CAM's current state, and signs with the gateway's signer.
 */
const upstreamUrl = z.url().parse(process.env["UPSTREAM_URL"]);
const HOST = "cam.tencentcloudapi.com";
const signer = new Tc3Signer();
const credential = { secretId: EXAMPLE_KEY.secretId, secretKey: new Secret(EXAMPLE_KEY.secretKey) };
const agent = new Agent({
  connections: 32,
  keepAliveTimeout: 30_000,
  headersTimeout: 5_000,
  bodyTimeout: 5_000,
});

const methods = z.strictObject({
  phone: z.boolean().optional(),
  stoken: z.boolean().optional(),
  wechat: z.boolean().optional(),
});
const changeRequest = z.strictObject({
  opUin: z.string().regex(/^[1-9]\d{0,19}$/),
  login: methods.optional(),
  action: methods.optional(),
});
const wireFlags = z.object({ Phone: z.number(), Stoken: z.number(), Wechat: z.number() });
const readReply = z.object({
  Response: z.object({ LoginFlag: wireFlags, ActionFlag: wireFlags, RequestId: z.string() }),
});
const writeReply = z.object({
  Response: z.object({ RequestId: z.string(), Error: z.object({ Code: z.string() }).optional() }),
});

async function change(json: string): Promise<object> {
  const { opUin, login, action } = changeRequest.parse(JSON.parse(json));
  const { Response: before } = readReply.parse(
    await callCam("DescribeSafeAuthFlagColl", { SubUin: JSON.rawJSON(opUin) }),
  );
  const { Response: answer } = writeReply.parse(
    await callCam("SetMfaFlag", {
      OpUin: JSON.rawJSON(opUin),
      LoginFlag: login && fullFlagSet(login, before.LoginFlag),
      ActionFlag: action && fullFlagSet(action, before.ActionFlag),
    }),
  );
  if (answer.Error !== undefined) throw new Error(answer.Error.Code);
  return { requestId: answer.RequestId, resolvedBy: "REPLY", subUser: { opUin } };
}

function fullFlagSet(wanted: z.output<typeof methods>, before: z.output<typeof wireFlags>) {
  return {
    Phone: Number(wanted.phone ?? before.Phone),
    Stoken: Number(wanted.stoken ?? before.Stoken),
    Wechat: Number(wanted.wechat ?? before.Wechat),
  };
}

async function callCam(action: string, parameters: object): Promise<unknown> {
  const body = JSON.stringify(parameters);
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const headers = [
    ["content-type", "application/json"],
    ["host", HOST],
    ["x-tc-action", action],
  ] as const;
  const request = { method: "POST", query: "", headers, body, service: "cam", timestampSeconds } as const;
  const { authorization } = signer.sign(request, credential);
  const reply = await agent.request({
    origin: upstreamUrl,
    path: "/",
    method: "POST",
    headers: {
      ...Object.fromEntries(headers),
      authorization,
      "x-tc-version": "2019-01-16",
      "x-tc-timestamp": String(timestampSeconds),
    },
    body,
  });
  if (reply.statusCode !== 200) throw new Error(`CAM answered HTTP ${reply.statusCode}.`);
  return reply.body.json();
}

async function answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
  try {
    return { status: 200, body: { data: await change(await text(request)) } };
  } catch (error) {
    const status = error instanceof z.ZodError || error instanceof SyntaxError ? 400 : 502;
    return { status, body: { error: String(error) } };
  }
}

const server = createServer(async (request, response) => {
  const { status, body } = await answer(request);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}/sub-user-mfa`);
});
