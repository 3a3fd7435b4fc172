import pg from "pg";
import { LOCAL_KEY } from "./start-gateway.ts";

/** Blocks the slots of an action for an hour, as after many throttles. */
export async function pauseQuota(url: string, action: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(
    `insert into quota_window (secret_id, action, paused_until) values ($1, $2, epoch_ms() + 3600000)
     on conflict (secret_id, action) do update set paused_until = excluded.paused_until`,
    [LOCAL_KEY.TENCENTCLOUD_SECRET_ID, action],
  );
  await client.end();
}
