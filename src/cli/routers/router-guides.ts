import { apolloGateway } from "./apollo-gateway.ts";
import { apolloRouter } from "./apollo-router.ts";
import { cosmo } from "./cosmo.ts";
import { hiveGateway } from "./hive-gateway.ts";
import { hiveRouter } from "./hive-router.ts";
import type { RouterGuide } from "./router-guide.ts";

/** The routers in the order of docs/consumers/routers.md. */
export const ROUTER_GUIDES: readonly RouterGuide[] = [
  apolloRouter,
  apolloGateway,
  hiveGateway,
  hiveRouter,
  cosmo,
];
