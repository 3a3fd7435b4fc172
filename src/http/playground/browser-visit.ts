import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { prefersHtml } from "./prefers-html.ts";

type ConstraintStrategy = Parameters<FastifyInstance["addConstraintStrategy"]>[0];
type RouteHandler = Parameters<ReturnType<ConstraintStrategy["storage"]>["set"]>[1];

/**
 * Lets a route claim only the visits of people with a browser, by `constraints: { browserVisit: "yes" }`. The
 * router tries constrained routes before the others, in whatever order they were registered.
 */
export const browserVisitStrategy: ConstraintStrategy = {
  name: "browserVisit",
  storage: () => {
    const handlers = new Map<unknown, RouteHandler>();
    return {
      get: (value) => handlers.get(value) ?? null,
      set: (value, handler) => void handlers.set(value, handler),
    };
  },
  deriveConstraint: (request: IncomingMessage) => (isBrowserVisit(request) ? "yes" : undefined),
};

/** A GET with a `query` parameter is an operation, even if it was typed into an address bar. */
export function isBrowserVisit(request: IncomingMessage): boolean {
  return prefersHtml(request.headers.accept) && !/[?&]query=/.test(request.url ?? "");
}
