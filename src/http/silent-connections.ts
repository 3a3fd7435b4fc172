import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Ends, when the service stops, the connections over which nothing was ever sent. Browsers open such ahead of
 * use, and Node counts them neither as idle nor as done, so that one of them would keep the process for ever.
 */
export function endSilentConnectionsOnClose(app: FastifyInstance): void {
  const open = new Set<Socket>();
  app.server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  app.addHook("preClose", async () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  });
}
