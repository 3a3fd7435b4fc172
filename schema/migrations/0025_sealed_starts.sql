-- The start of a rollout has a MAC of a key that the database does not have (src/audit/request-seal.ts). A line with an
-- arrow alone separates statements.

alter table mfa_rollout
  add column start_mac text,
  -- The fingerprint of its key.
  add column start_key text,
  add constraint mfa_rollout_start_mac_is_whole check (num_nulls(start_mac, start_key) in (0, 2));
