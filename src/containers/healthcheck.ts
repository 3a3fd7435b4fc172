/**
 * The health check of every container of the image, which has no curl: `node dist/containers/healthcheck.js [url]`.
 * Without a URL it asks the gateway of this container, by the HOST and PORT that both were given, whether it wants
 * traffic. Ends with 0 where the answer is a success and with 1 otherwise; its one line is in `docker inspect`.
 */
const { HOST, PORT } = process.env;

/** Below the time that the image allows for the whole check, so that the reason is printed. */
const TIMEOUT_MS = 2_000;

const host = HOST?.includes(":") ? `[${HOST}]` : HOST || "127.0.0.1";
const url = process.argv[2] ?? `http://${host}:${PORT || "4000"}/health/ready`;

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  console.log(`${url} answers ${response.status}`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  const { message, cause } = error as Error;
  console.log(`${url} does not answer: ${cause instanceof Error ? cause.message : message}`);
  process.exitCode = 1;
}
