import { type Endpoint, startRelay } from "./relay.ts";

/**
 * The TCP proxy in front of the gateways of a pod, which listen on loopback alone:
 * `node dist/containers/tcp-proxy.js LISTEN TARGET…`, each as host:port. docker-compose.yml explains why it is needed.
 */
const [listen, ...targets] = process.argv.slice(2).map(parseEndpoint);

if (listen === undefined || targets.length === 0) {
  console.error("Usage: node dist/containers/tcp-proxy.js LISTEN TARGET…   (each as host:port)");
  process.exit(78);
}
const relay = await startRelay(listen, targets);
console.log(`Forwarding ${text(relay.address)} to ${targets.map(text).join(", ")}`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void relay.stop().then(() => process.exit(0)));
}

function parseEndpoint(argument: string): Endpoint {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(argument) ?? [];
  if (host === "") {
    console.error(`${argument} is not host:port.`);
    process.exit(78);
  }
  return { host, port: Number(port) };
}

function text({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}
