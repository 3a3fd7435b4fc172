/**
 * The health check of every container of the image, which has no curl: `node dist/containers/healthcheck.js [url]`.
 * Without a URL it checks whether the gateway of this container, by HOST and PORT, is ready. Exits with 0 for a success
 * status and with 1 otherwise. `docker inspect` shows its line of output.
 */
const { HOST, PORT } = process.env;

/** Shorter than the time that the image allows, so that the check prints its reason. */
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
