/** The proxy of `npm run stack`: `node scripts/stack/proxy.ts PORT GATEWAY…` sends requests to the gateways in turn. */
import proxy from "@fastify/http-proxy";
import { fastify } from "fastify";

const [, , port, ...gateways] = process.argv;

let turn = 0;
const server = fastify();
await server.register(proxy, {
  upstream: "",
  replyOptions: { getUpstream: () => gateways[turn++ % gateways.length] ?? "" },
});
console.log(`Proxy ${await server.listen({ port: Number(port) })}`);
process.once("SIGTERM", () => void server.close());
