-- A role for Grafana that can read what business.json queries, and nothing else: no numbers of people, no texts, no
-- payloads, no targets of links. Safe to repeat, and needed again after an upgrade that recreates a view:
--   psql -f reader.sql seven && psql -c '\password seven_reader' seven
DO $$
BEGIN
    CREATE ROLE seven_reader LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- roles belong to the server: the same file for another of its databases has created it
END $$;

ALTER ROLE seven_reader SET default_transaction_read_only = on;
ALTER ROLE seven_reader SET statement_timeout = '60s'; -- a query over years must not slow the database down
ALTER ROLE seven_reader CONNECTION LIMIT 10;

GRANT USAGE ON SCHEMA seven TO seven_reader;
GRANT SELECT ON seven.delivery_rates TO seven_reader;
GRANT SELECT (status, result, final, status_at, first_seen_at, last_seen_at, changed_at) ON seven.messages TO seven_reader;
GRANT SELECT (msg_id, kind, at) ON seven.message_receipts TO seven_reader;
-- what was sent, without numbers and texts
GRANT SELECT (msg_id, result, label, price, mccmnc, sent_at, delivered_after_s) ON seven.message_details TO seven_reader;
GRANT SELECT (sms_id, clicks) ON seven.links TO seven_reader;
GRANT SELECT ON seven.missed_by_day TO seven_reader;
GRANT SELECT (label, links, clicked_links, clicks, views) ON seven.link_totals TO seven_reader;
GRANT SELECT (hour, label, clicks, views) ON seven.link_activity TO seven_reader;
REVOKE SELECT ON seven.call_costs FROM seven_reader; -- an older script granted all columns, and upgrades added numbers
GRANT SELECT (direction, started_at, duration_s, billed_minutes, price_per_minute, cost_eur, cost_basis)
    ON seven.call_costs TO seven_reader;
-- the recipient is one of our own numbers
GRANT SELECT (recipient, channel, sent_at, message_type, changed_at) ON seven.inbound_messages TO seven_reader;
-- not the number, nor the word: of an entry made by hand that is a note
GRANT SELECT (channel, state, since, changed_at) ON seven.opt_outs TO seven_reader;
GRANT SELECT (channel, state, at) ON seven.opt_out_events TO seven_reader;
