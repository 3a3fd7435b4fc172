-- The rights of the gateway's role. The owner of the schema runs this file after each migration:
-- `npm run migrate -- --grant-to gateway`, or `psql --set role=gateway --set jobs=public_jobs --file schema/grants.sql`.
-- The gateway reads tables and writes through functions only (docs/operators/database.md).

grant select on gateway_migration, gateway_expansion, mfa_change, audit_chain, audit_checkpoint, record_chain,
  record_checkpoint, audit_event, caller_pause, quota_window, directory_drift, mfa_rollout_step, noted_account,
  account_register to :"role";
-->
grant execute on function begin_change, begin_changes, settle_change, settle_changes, approve_change, reject_change,
  claim_changes, seal_request, change_now, resume_caller, keep_checkpoint, keep_record_checkpoint, record_events, note_accounts, bind_account,
  register_accounts, take_slot, take_slots, back_off_window, probe_window, begin_rollout_change, begin_rollout_changes,
  claim_rollout_items, advance_rollout, end_rollout, run_rollout, seal_rollout, reopen_rollout_change, claim_open_items, reopen_claimed_change to :"role";
-->
grant select, insert, update, delete on directory_user, directory_scan, mfa_rollout_item, mfa_rollout_lane to :"role";
-->
-- Triggers keep the steps of a rollout and its plan.
grant select, insert, update on mfa_rollout to :"role";
-->
grant select, insert, update, delete on webhook_receiver, webhook_delivery to :"role";
-->
-- pg-boss keeps background jobs in a schema of its own, which `migrate` creates.
grant usage on schema :"jobs" to :"role";
-->
grant select, insert, update, delete on all tables in schema :"jobs" to :"role";
-->
grant usage on all sequences in schema :"jobs" to :"role";
-->
-- A function that this role creates in the schema of the tables could run with the owner's rights.
revoke create on schema public from public;
