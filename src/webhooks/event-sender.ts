import { Webhook } from "standardwebhooks";
import { Agent, request } from "undici";
import type { Clock } from "../clock.ts";
import { explainConnectionFailure } from "../connection-failures.ts";
import type { SecretSource } from "../secret.ts";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import {
  type AddressRules,
  permittedLookup,
  problemOfHost,
  RefusedAddressError,
  type Resolve,
} from "./permitted-addresses.ts";
import type { Receiver } from "./receiver.ts";

interface SenderDeps {
  readonly clock: Clock;
  readonly rules: AddressRules;
  readonly resolve: Resolve;
}

/** An event as it is sent. */
interface SentEvent {
  readonly eventId: string;
  readonly body: string;
}

/** The result of an attempt. `problem` is a short text without addresses, secrets and parts of the reply. */
type Answer =
  | { readonly kind: "DELIVERED" }
  | { readonly kind: "GONE"; readonly problem: string }
  | { readonly kind: "FAILED"; readonly problem: string; readonly retryAfterMs: number };

/** The longest time of one attempt, from the name server to the end of the reply. */
const ATTEMPT_MS = 15_000;
/** The most bytes of a reply that the gateway reads and discards, to reuse the connection. */
const MAX_REPLY_BYTES = 16_384;

/** Sends events to one receiver by the rules of Standard Webhooks. */
export class EventSender implements AsyncDisposable {
  readonly #deps: SenderDeps;
  readonly #agent: Agent;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
    this.#agent = new Agent({
      allowH2: false,
      connect: { lookup: permittedLookup(deps.rules, deps.resolve) },
    });
  }

  /** Makes one attempt. Rejects only with the reason of the signal. */
  async send({ url, secrets }: Receiver, event: SentEvent, signal: AbortSignal): Promise<Answer> {
    const { clock } = this.#deps;
    const late = new AbortController();
    const cancel = clock.after(ATTEMPT_MS, () => late.abort());
    try {
      const problem = problemOfHost(url, this.#deps.rules);
      if (problem !== undefined) throw new RefusedAddressError(problem);
      const headers = await signedHeaders(event, secrets, new Date(clock.now()));
      const reply = await request(url, {
        ...{ method: "POST", body: event.body, headers, dispatcher: this.#agent },
        signal: AbortSignal.any([signal, late.signal]),
      });
      // The status alone decides.
      await reply.body.dump({ limit: MAX_REPLY_BYTES }).catch(() => undefined);
      return answerOf(reply.statusCode, reply.headers["retry-after"]);
    } catch (error) {
      signal.throwIfAborted();
      const problem = late.signal.aborted ? `gave no answer within ${ATTEMPT_MS / 1_000} s` : explain(error);
      return { kind: "FAILED", problem, retryAfterMs: 0 };
    } finally {
      cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

async function signedHeaders({ eventId, body }: SentEvent, sources: readonly SecretSource[], at: Date) {
  const secrets = await Promise.all(sources.map(readSecret));
  return {
    "content-type": "application/json",
    "user-agent": "cam-mfa-gateway",
    "webhook-id": eventId,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(eventId, at, body)).join(" "),
  };
}

/** The error of a secret that cannot be used. The message contains no part of it. */
export class WebhookSecretError extends Error {
  override readonly name = "WebhookSecretError";
}

/** A prefix, and 24 to 64 bytes in base64. */
const SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/;

/** Reads a secret, from its file each time, so a rotated file needs no restart. @throws WebhookSecretError */
export async function readSecret(source: SecretSource): Promise<string> {
  const [place, text] =
    "value" in source
      ? ["The secret", source.value.reveal()]
      : [
          source.file,
          await readUtf8File(source.file).catch((error: unknown) => {
            throw new WebhookSecretError(`${source.file} ${whyUnreadable(error)}`);
          }),
        ];
  const secret = text.trim();
  const bytes = Buffer.from(secret.slice("whsec_".length), "base64").length;
  if (SECRET.test(secret) && bytes >= 24 && bytes <= 64) return secret;
  throw new WebhookSecretError(`${place} has no secret of the form whsec_ and 24 to 64 bytes in base64`);
}

function answerOf(status: number, retryAfter: string | string[] | undefined): Answer {
  if (status >= 200 && status < 300) return { kind: "DELIVERED" };
  const redirects = status >= 300 && status < 400 ? ", and the gateway follows no redirect" : "";
  const problem = `answered HTTP ${status}${redirects}`;
  if (status === 410) return { kind: "GONE", problem };
  const seconds = /^\d{1,6}$/.test(String(retryAfter)) ? Number(retryAfter) : 0;
  return { kind: "FAILED", problem, retryAfterMs: seconds * 1_000 };
}

function explain(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof RefusedAddressError) return one.message;
    if (one instanceof WebhookSecretError) return `cannot be signed for: ${one.message}`;
  }
  const failure = explainConnectionFailure(error);
  return failure === undefined ? "failed" : `failed with ${failure.cause}: ${failure.why}`;
}
