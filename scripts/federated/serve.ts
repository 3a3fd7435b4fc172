/** Runs a part of `npm run federated`: prints its address, stops at SIGTERM, and prints one line if it cannot start. */
export async function serve(
  start: () => Promise<{ readonly url: string; stop(): Promise<void> }>,
): Promise<void> {
  process.once("uncaughtException", ({ message }) => {
    console.error(message);
    process.exit(1);
  });
  const { url, stop } = await start();
  console.log(`GraphQL ${url}`);
  process.once("SIGTERM", () => void stop());
}
