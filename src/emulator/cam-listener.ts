import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AnswerDeps, answerRequest } from "./answer-request.ts";
import { deliver } from "./wire/deliver.ts";
import { headerValue, receiveRequest } from "./wire/received-request.ts";

/** Room for a 32 KB query beside the headers; what is longer gets HTTP 431 from Node itself. */
const MAX_HEADER_BYTES = 128 * 1024;
/** Longer than the pause of any test, so that an idle connection is not closed under a client's next request. */
const KEEP_ALIVE_MS = 65_000;

/** The door that clients knock at. Path, query, headers and body reach the verifier as they came. */
export function createCamServer(deps: AnswerDeps): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A request without a Host is for the verifier to refuse, not for Node.
    requireHostHeader: false,
  });
  server.on("request", (message, response) => {
    serve(message, response, deps).catch((error: unknown) => {
      // The peer went away before its request was whole, or while the reply was written: nobody is there to tell.
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
