import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AnswerDeps, answerRequest } from "./answer-request.ts";
import { deliver } from "./wire/deliver.ts";
import { headerValue, receiveRequest } from "./wire/received-request.ts";

/** Fits a 32 KB query and the headers. Node answers longer ones by HTTP 431. */
const MAX_HEADER_BYTES = 128 * 1024;
/** Longer than any pause of a test, so that the server does not close a connection which a client reuses. */
const KEEP_ALIVE_MS = 65_000;

/** Creates the CAM server. Path, query, headers and body reach the verifier unchanged. */
export function createCamServer(deps: AnswerDeps): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The verifier, not Node, refuses a request without a Host header.
    requireHostHeader: false,
  });
  server.on("request", (message, response) => {
    serve(message, response, deps).catch((error: unknown) => {
      // The client closed the connection during its request or the reply, so it cannot get an error.
      if (!message.complete || response.destroyed) return;
      deps.emit({ kind: "defect", error });
      response.destroy();
    });
  });
  return server;
}

async function serve(message: IncomingMessage, response: ServerResponse, deps: AnswerDeps): Promise<void> {
  const { clock } = deps.state;
  const request = await receiveRequest(message, () => clock.monotonic());
  const delivery = await answerRequest(request, deps);
  await deliver(delivery, response, {
    date: new Date(clock.now()).toUTCString(),
    traceId: headerValue(request, "x-tc-traceid"),
  });
}
