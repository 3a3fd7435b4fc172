import { Agent } from "undici";
import { expect, onTestFinished, test, vi } from "vitest";
import { OpenConnections } from "../../../src/cam/transport/connection-opener.ts";
import { HttpTransport } from "../../../src/cam/transport/http-transport.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { cut, reply, type StubAnswer, silence, startStubCam } from "../../support/start-stub-cam.ts";

/** Both counts of the connections to a CAM that answers like this, after posts of it all at once. */
async function afterPosts(answer: StubAnswer, posts: number) {
  const cam = await startStubCam(answer);
  const clock = new FakeClock();
  const dispatcher = new Agent({ connections: 4, keepAliveTimeout: 30_000 });
  const connections = new OpenConnections(dispatcher);
  const transport = new HttpTransport({ dispatcher, clock });
  onTestFinished(() => transport.close());
  const request = { origin: cam.url, headers: {}, body: "{}", timeoutMs: 1_000 };
  const ends = Array.from({ length: posts }, () => {
    const release = connections.use(cam.url);
    return transport.post(request).then(release, release);
  });
  const undicis = () => (dispatcher.stats[cam.url] as { free: number } | undefined)?.free ?? 0;
  return { cam, clock, undicis, connections, ends: Promise.all(ends) };
}

test.for([
  ["replies come", reply(), 4],
  ["connections are cut", cut, 0],
] as const)("where %s, it counts as undici does", async ([, answer, free]) => {
  const { cam, undicis, connections, ends } = await afterPosts(answer, 9);
  await ends;
  await vi.waitFor(() => expect(undicis()).toBe(free));
  expect(connections.free(cam.url)).toBe(free);
});

test("posts that are given up take their connections with them", async () => {
  const { cam, clock, connections, ends } = await afterPosts(silence, 3);
  await vi.waitFor(() => expect(cam.requests).toHaveLength(3));
  expect(connections.free(cam.url)).toBe(0);
  await clock.advance(1_000);
  await ends;
  await vi.waitFor(() => expect(connections.free(cam.url)).toBe(0));
});

test("a connection in use is not free, and is again afterwards", async () => {
  const { cam, connections, ends } = await afterPosts(reply(), 1);
  await ends;
  const release = connections.use(cam.url);
  expect(connections.free(cam.url)).toBe(0);
  release();
  expect(connections.free(cam.url)).toBe(1);
});
