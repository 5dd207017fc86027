SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA seven;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE seven.calls (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    caller text COLLATE pg_catalog."C",
    recipient text COLLATE pg_catalog."C",
    status text COLLATE pg_catalog."C",
    final boolean,
    status_at timestamp with time zone,
    rank integer,
    duration_s bigint,
    price_per_minute numeric,
    total_price numeric,
    foreign_id text COLLATE pg_catalog."C",
    started_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL
);
CREATE VIEW seven.call_costs AS
 SELECT calls.direction,
    calls.call_id,
    calls.started_at,
    calls.duration_s,
    ((calls.duration_s + 59) / 60) AS billed_minutes,
    calls.price_per_minute,
    COALESCE(calls.total_price, ((((calls.duration_s + 59) / 60))::numeric * calls.price_per_minute)) AS cost_eur,
        CASE
            WHEN (calls.total_price IS NOT NULL) THEN 'reported'::text
            WHEN ((calls.price_per_minute IS NOT NULL) AND (calls.duration_s IS NOT NULL)) THEN 'computed'::text
            ELSE NULL::text
        END AS cost_basis
   FROM seven.calls;
CREATE TABLE seven.call_statuses (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
)
PARTITION BY RANGE (at);
CREATE TABLE seven.call_statuses_20261123 (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.call_statuses_20261130 (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.call_statuses_20261207 (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.call_statuses_20261214 (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.call_statuses_20261221 (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.call_statuses_rest (
    direction text NOT NULL COLLATE pg_catalog."C",
    call_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.dead_letter_failures (
    id text NOT NULL COLLATE pg_catalog."C",
    attempt bigint NOT NULL,
    failed_at timestamp with time zone,
    reason text COLLATE pg_catalog."C"
);
CREATE TABLE seven.dead_letters (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    envelope text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    failed_at timestamp with time zone,
    attempts bigint,
    replayed_at timestamp with time zone,
    discarded_at timestamp with time zone
);
CREATE TABLE seven.deliveries (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    subject text COLLATE pg_catalog."C",
    received_at timestamp with time zone,
    applied_at timestamp with time zone,
    event_at timestamp with time zone,
    request_method text COLLATE pg_catalog."C",
    payload text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    ledger text COLLATE pg_catalog."C",
    ordinal bigint,
    source text COLLATE pg_catalog."C"
)
PARTITION BY RANGE (id);
CREATE TABLE seven.deliveries_20261123 (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    subject text COLLATE pg_catalog."C",
    received_at timestamp with time zone,
    applied_at timestamp with time zone,
    event_at timestamp with time zone,
    request_method text COLLATE pg_catalog."C",
    payload text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    ledger text COLLATE pg_catalog."C",
    ordinal bigint,
    source text COLLATE pg_catalog."C"
);
CREATE TABLE seven.deliveries_20261130 (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    subject text COLLATE pg_catalog."C",
    received_at timestamp with time zone,
    applied_at timestamp with time zone,
    event_at timestamp with time zone,
    request_method text COLLATE pg_catalog."C",
    payload text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    ledger text COLLATE pg_catalog."C",
    ordinal bigint,
    source text COLLATE pg_catalog."C"
);
CREATE TABLE seven.deliveries_20261207 (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    subject text COLLATE pg_catalog."C",
    received_at timestamp with time zone,
    applied_at timestamp with time zone,
    event_at timestamp with time zone,
    request_method text COLLATE pg_catalog."C",
    payload text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    ledger text COLLATE pg_catalog."C",
    ordinal bigint,
    source text COLLATE pg_catalog."C"
);
CREATE TABLE seven.deliveries_20261214 (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    subject text COLLATE pg_catalog."C",
    received_at timestamp with time zone,
    applied_at timestamp with time zone,
    event_at timestamp with time zone,
    request_method text COLLATE pg_catalog."C",
    payload text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    ledger text COLLATE pg_catalog."C",
    ordinal bigint,
    source text COLLATE pg_catalog."C"
);
CREATE TABLE seven.deliveries_20261221 (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    subject text COLLATE pg_catalog."C",
    received_at timestamp with time zone,
    applied_at timestamp with time zone,
    event_at timestamp with time zone,
    request_method text COLLATE pg_catalog."C",
    payload text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    ledger text COLLATE pg_catalog."C",
    ordinal bigint,
    source text COLLATE pg_catalog."C"
);
CREATE TABLE seven.deliveries_rest (
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    queue text COLLATE pg_catalog."C",
    subject text COLLATE pg_catalog."C",
    received_at timestamp with time zone,
    applied_at timestamp with time zone,
    event_at timestamp with time zone,
    request_method text COLLATE pg_catalog."C",
    payload text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    ledger text COLLATE pg_catalog."C",
    ordinal bigint,
    source text COLLATE pg_catalog."C"
);
CREATE TABLE seven.messages (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text COLLATE pg_catalog."C",
    result text COLLATE pg_catalog."C",
    final boolean,
    status_at timestamp with time zone,
    rank integer,
    foreign_id text COLLATE pg_catalog."C",
    first_seen_at timestamp with time zone,
    last_seen_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL
);
CREATE VIEW seven.delivery_rates AS
 SELECT date_trunc('hour'::text, messages.first_seen_at, 'UTC'::text) AS hour,
    messages.status,
    messages.result,
    count(*) AS messages
   FROM seven.messages
  GROUP BY (date_trunc('hour'::text, messages.first_seen_at, 'UTC'::text)), messages.status, messages.result;
CREATE TABLE seven.hook_changes (
    id text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone,
    action text COLLATE pg_catalog."C",
    hook_id text COLLATE pg_catalog."C",
    event_type text COLLATE pg_catalog."C",
    request_method text COLLATE pg_catalog."C",
    event_filter text COLLATE pg_catalog."C",
    applied boolean,
    reason text COLLATE pg_catalog."C"
);
CREATE TABLE seven.inbound_messages (
    id text NOT NULL COLLATE pg_catalog."C",
    sender text COLLATE pg_catalog."C",
    recipient text COLLATE pg_catalog."C",
    text text COLLATE pg_catalog."C",
    sent_at timestamp with time zone,
    message_type text COLLATE pg_catalog."C",
    changed_at timestamp with time zone NOT NULL
);
CREATE TABLE seven.ledger_marks (
    ledger text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    last_ordinal bigint,
    born_at timestamp with time zone,
    seen_at timestamp with time zone,
    closed_at timestamp with time zone
);
CREATE TABLE seven.link_events (
    sms_id text NOT NULL COLLATE pg_catalog."C",
    tracking_url text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    nth bigint NOT NULL,
    at timestamp with time zone
);
CREATE TABLE seven.links (
    sms_id text NOT NULL COLLATE pg_catalog."C",
    tracking_url text NOT NULL COLLATE pg_catalog."C",
    label text COLLATE pg_catalog."C",
    final_url text COLLATE pg_catalog."C",
    clicks bigint,
    views bigint,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL
);
CREATE VIEW seven.link_activity AS
 SELECT date_trunc('hour'::text, event.at, 'UTC'::text) AS hour,
    links.label,
    links.final_url,
    sum(
        CASE
            WHEN (event.type = 'click'::text) THEN 1
            ELSE 0
        END) AS clicks,
    sum(
        CASE
            WHEN (event.type = 'view'::text) THEN 1
            ELSE 0
        END) AS views
   FROM (seven.link_events event
     JOIN seven.links links ON (((links.sms_id = event.sms_id) AND (links.tracking_url = event.tracking_url))))
  GROUP BY (date_trunc('hour'::text, event.at, 'UTC'::text)), links.label, links.final_url;
CREATE VIEW seven.link_totals AS
 SELECT links.label,
    links.final_url,
    count(*) AS links,
    sum(
        CASE
            WHEN (links.clicks > 0) THEN 1
            ELSE 0
        END) AS clicked_links,
    (COALESCE(sum(links.clicks), (0)::numeric))::bigint AS clicks,
    (COALESCE(sum(links.views), (0)::numeric))::bigint AS views
   FROM seven.links
  GROUP BY links.label, links.final_url;
CREATE TABLE seven.message_statuses (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
)
PARTITION BY RANGE (at);
CREATE TABLE seven.message_statuses_20261123 (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.message_statuses_20261130 (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.message_statuses_20261207 (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.message_statuses_20261214 (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.message_statuses_20261221 (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.message_statuses_rest (
    msg_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE seven.seven_ingest_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE seven.tallies (
    ledger text NOT NULL COLLATE pg_catalog."C",
    queue text NOT NULL COLLATE pg_catalog."C",
    fate text NOT NULL COLLATE pg_catalog."C",
    first_ordinal bigint NOT NULL,
    last_ordinal bigint,
    received_at timestamp with time zone,
    tallied_at timestamp with time zone
);
ALTER TABLE ONLY seven.call_statuses ATTACH PARTITION seven.call_statuses_20261123 FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-30 00:00:00+00');
ALTER TABLE ONLY seven.call_statuses ATTACH PARTITION seven.call_statuses_20261130 FOR VALUES FROM ('2026-11-30 00:00:00+00') TO ('2026-12-07 00:00:00+00');
ALTER TABLE ONLY seven.call_statuses ATTACH PARTITION seven.call_statuses_20261207 FOR VALUES FROM ('2026-12-07 00:00:00+00') TO ('2026-12-14 00:00:00+00');
ALTER TABLE ONLY seven.call_statuses ATTACH PARTITION seven.call_statuses_20261214 FOR VALUES FROM ('2026-12-14 00:00:00+00') TO ('2026-12-21 00:00:00+00');
ALTER TABLE ONLY seven.call_statuses ATTACH PARTITION seven.call_statuses_20261221 FOR VALUES FROM ('2026-12-21 00:00:00+00') TO ('2026-12-28 00:00:00+00');
ALTER TABLE ONLY seven.call_statuses ATTACH PARTITION seven.call_statuses_rest DEFAULT;
ALTER TABLE ONLY seven.deliveries ATTACH PARTITION seven.deliveries_20261123 FOR VALUES FROM ('01a205b3-d000') TO ('01a229c0-5400');
ALTER TABLE ONLY seven.deliveries ATTACH PARTITION seven.deliveries_20261130 FOR VALUES FROM ('01a229c0-5400') TO ('01a24dcc-d800');
ALTER TABLE ONLY seven.deliveries ATTACH PARTITION seven.deliveries_20261207 FOR VALUES FROM ('01a24dcc-d800') TO ('01a271d9-5c00');
ALTER TABLE ONLY seven.deliveries ATTACH PARTITION seven.deliveries_20261214 FOR VALUES FROM ('01a271d9-5c00') TO ('01a295e5-e000');
ALTER TABLE ONLY seven.deliveries ATTACH PARTITION seven.deliveries_20261221 FOR VALUES FROM ('01a295e5-e000') TO ('01a2b9f2-6400');
ALTER TABLE ONLY seven.deliveries ATTACH PARTITION seven.deliveries_rest DEFAULT;
ALTER TABLE ONLY seven.message_statuses ATTACH PARTITION seven.message_statuses_20261123 FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-30 00:00:00+00');
ALTER TABLE ONLY seven.message_statuses ATTACH PARTITION seven.message_statuses_20261130 FOR VALUES FROM ('2026-11-30 00:00:00+00') TO ('2026-12-07 00:00:00+00');
ALTER TABLE ONLY seven.message_statuses ATTACH PARTITION seven.message_statuses_20261207 FOR VALUES FROM ('2026-12-07 00:00:00+00') TO ('2026-12-14 00:00:00+00');
ALTER TABLE ONLY seven.message_statuses ATTACH PARTITION seven.message_statuses_20261214 FOR VALUES FROM ('2026-12-14 00:00:00+00') TO ('2026-12-21 00:00:00+00');
ALTER TABLE ONLY seven.message_statuses ATTACH PARTITION seven.message_statuses_20261221 FOR VALUES FROM ('2026-12-21 00:00:00+00') TO ('2026-12-28 00:00:00+00');
ALTER TABLE ONLY seven.message_statuses ATTACH PARTITION seven.message_statuses_rest DEFAULT;
INSERT INTO seven.calls VALUES
	('inbound', '5001013', '447700900979', '493023125000', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-26 23:48:10+00', '2026-11-29 23:26:29.711376+00');
INSERT INTO seven.deliveries_20261123 VALUES
	('01a229a1-9846-74fb-8085-8a6283908ebb', 'dlr', 'dlr', '77005000770', '2026-11-29 23:26:25.862252+00', '2026-11-29 23:26:29.57668+00', '2026-11-26 23:48:57.12659+00', 'GET', '{"data":{"msg_id":"77005000770","status":"ACCEPTED","timestamp":"2026-11-27 00:48:57.126590","foreign_id":"order-5-770"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:48:57+01:00"}', 'be62c6654e901d2e8d08a50adcc6461f0fcaf2eca880d238701fdbddebfc1f53', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 1, '127.0.0.1'),
	('01a229a1-9849-705f-9214-47d91e733d2c', 'dlr', 'dlr', '77005000769', '2026-11-29 23:26:25.865036+00', '2026-11-29 23:26:29.577007+00', '2026-11-26 23:49:48.874912+00', 'POST', '{"data":{"msg_id":"77005000769","status":"TRANSMITTED","timestamp":"2026-11-27 00:49:48.874912"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:48+01:00"}', 'cfab0466ebbe364254d92ec73bfc28b3181e99aaef235cba4ff40213712e1bed', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 2, '127.0.0.1'),
	('01a229a1-9849-705f-9214-47db25deb7b6', 'dlr', 'dlr', '77005000770', '2026-11-29 23:26:25.865368+00', '2026-11-29 23:26:29.577148+00', '2026-11-26 23:49:02.166875+00', 'JSON', '{"data":{"msg_id":"77005000770","status":"TRANSMITTED","timestamp":"2026-11-27 00:49:02.166875","foreign_id":"order-5-770"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:02+01:00"}', 'd49500a1768a0d3c97cd5b998f6a74708a7c43e18d505c510795ab139ab51e36', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 3, '127.0.0.1'),
	('01a229a1-9849-705f-9214-47dc54385a6f', 'dlr', 'dlr', '77005000770', '2026-11-29 23:26:25.865455+00', '2026-11-29 23:26:29.577272+00', '2026-11-26 23:49:24.980498+00', 'JSON', '{"data":{"msg_id":"77005000770","status":"DELIVERED","timestamp":"2026-11-27 00:49:24.980498","foreign_id":"order-5-770"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:24+01:00"}', '9181d40954c24d95f56ba907905ec42daefbc91298f8671086091ee9aeb44bb6', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 4, '127.0.0.1'),
	('01a229a1-9849-705f-9214-47dd387785c0', 'dlr', 'dlr', '77005000769', '2026-11-29 23:26:25.865519+00', '2026-11-29 23:26:29.5774+00', '2026-11-26 23:49:41.121117+00', 'JSON', '{"data":{"msg_id":"77005000769","status":"ACCEPTED","timestamp":"2026-11-27 00:49:41.121117"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:41+01:00"}', '4ea9687f7922acd1d03ea191a4243966e6e9101c4479f7652e5846d84da47e7f', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 5, '127.0.0.1'),
	('01a229a1-9855-7153-baad-b6ffb56476e0', 'dlr', 'dlr', '77005000769', '2026-11-29 23:26:25.877527+00', '2026-11-29 23:26:29.577513+00', '2026-11-26 23:49:52.861992+00', 'GET', '{"msg_id":"77005000769","status":"DELIVERED","timestamp":"2026-11-27 00:49:52.861992","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:52+01:00"}', 'bd5387d31566512fcef8638866a7e7bc8bdb6ba54d6f535893e6c606291dff6f', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 6, '127.0.0.1'),
	('01a229a1-9843-7429-8391-0ab201715822', 'rcs', 'parked', NULL, '2026-11-29 23:26:25.859062+00', NULL, NULL, 'GET', '{"agent_id":"example_agent","sender":"447700900027","msg_id":"77005500154","status":"DELIVERED","timestamp":"2026-11-27 00:40:10.725371","webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:40:10+01:00"}', '74002c3833cae484feab3644ba17278ed9aed15b14835b4f9e503e223ee4b649', 'parked', 'an event type not known here', 'ab94ef8a91be49638b7d6e7c3b05bfef', 1, '127.0.0.1'),
	('01a229a1-9845-73cc-87b9-3f6828c643e5', 'rcs', 'parked', NULL, '2026-11-29 23:26:25.861981+00', NULL, NULL, 'GET', '{"data":{"agent_id":"example_agent","sender":"447700900027","msg_id":"77005500154","status":"READ","timestamp":"2026-11-27 00:48:22.850303"},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:48:22+01:00"}', 'f49a67e2a3d18b5e9118c8e9b769d0f39add2249c4a0f9ce2e8eaf9f19a7a738', 'parked', 'an event type not known here', 'ab94ef8a91be49638b7d6e7c3b05bfef', 2, '127.0.0.1'),
	('01a229a1-9849-705f-9214-47da76755ff5', 'voice_call', 'voice_call', 'inbound 5001013', '2026-11-29 23:26:25.865248+00', '2026-11-29 23:26:29.601834+00', '2026-11-26 23:48:10+00', 'POST', '{"id":"5001013","caller":"447700900979","system":"493023125000","time":"1795736890","webhook_event":"voice_call","webhook_timestamp":"2026-11-27T00:48:10+01:00"}', 'f19bf6468a4306fdcfb9670554ba71531ee16608f7d146d58a733deec8ef5b5f', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 1, '127.0.0.1'),
	('01a229a1-987e-731d-8521-b9beadaa38fa', 'dlr', 'dlr', '77005000768', '2026-11-29 23:26:25.918078+00', '2026-11-29 23:26:29.780399+00', '2026-11-26 23:51:29.145432+00', 'GET', '{"msg_id":"77005000768","status":"DELIVERED","timestamp":"2026-11-27 00:51:29.145432","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:29+01:00"}', '26d8859d3f6a69cd65ee69b6f0a741fa13b70d5a63d259f47807c0b2a91a62bf', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 7, '127.0.0.1'),
	('01a229a1-987e-731d-8521-b9bfdd764eb0', 'dlr', 'dlr', '77005000769', '2026-11-29 23:26:25.918341+00', '2026-11-29 23:26:29.780781+00', '2026-11-26 23:49:48.874912+00', 'JSON', '{"data":{"msg_id":"77005000769","status":"TRANSMITTED","timestamp":"2026-11-27 00:49:48.874912"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:48+01:00"}', 'cfab0466ebbe364254d92ec73bfc28b3181e99aaef235cba4ff40213712e1bed', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 8, '127.0.0.1'),
	('01a229a1-987e-731d-8521-b9c03965cb0c', 'dlr', 'dlr', '77005000777', '2026-11-29 23:26:25.918434+00', '2026-11-29 23:26:29.780877+00', '2026-11-26 23:51:44.410084+00', 'JSON', '{"data":{"msg_id":"77005000777","status":"DELIVERED","timestamp":"2026-11-27 00:51:44.410084","foreign_id":"order-5-777"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:44+01:00"}', '0d99b2bb8f253bc85ae6969719d7bde6fe9c6b7e04c4b32a7af4f5473d8d03ef', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 9, '127.0.0.1'),
	('01a229a1-987e-731d-8521-b9c18a309ff2', 'dlr', 'dlr', '77005000768', '2026-11-29 23:26:25.918514+00', '2026-11-29 23:26:29.780976+00', '2026-11-26 23:50:35.906645+00', 'JSON', '{"data":{"msg_id":"77005000768","status":"ACCEPTED","timestamp":"2026-11-27 00:50:35.906645"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:50:35+01:00"}', '4d8845b407a02c4274d2e891442017813088d493165c01a06d8e908374614ed0', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 10, '127.0.0.1'),
	('01a229a1-987e-731d-8521-b9c3be0ed0ed', 'dlr', 'dlr', '77005000768', '2026-11-29 23:26:25.918945+00', '2026-11-29 23:26:29.781648+00', '2026-11-26 23:50:38.710674+00', 'POST', '{"data":{"msg_id":"77005000768","status":"TRANSMITTED","timestamp":"2026-11-27 00:50:38.710674"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:50:38+01:00"}', '47c221f9cdb4433a6818148ad296114458b90f0a2e46be0a6b9ee78c0f177007', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 11, '127.0.0.1'),
	('01a229a1-987f-71f5-a1eb-21404c633947', 'dlr', 'dlr', '77005000777', '2026-11-29 23:26:25.919054+00', '2026-11-29 23:26:29.781745+00', '2026-11-26 23:51:17.992904+00', 'JSON', '{"data":{"msg_id":"77005000777","status":"ACCEPTED","timestamp":"2026-11-27 00:51:17.992904","foreign_id":"order-5-777"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:17+01:00"}', '6eea746a168ffcd2a86838dd7d9aa1da141040c65cdf020ca7f7a5f36344b2a5', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 12, '127.0.0.1'),
	('01a229a1-987f-71f5-a1eb-21414f79740b', 'dlr', 'dlr', '77005000777', '2026-11-29 23:26:25.919147+00', '2026-11-29 23:26:29.781813+00', '2026-11-26 23:51:19.289322+00', 'POST', '{"data":{"msg_id":"77005000777","status":"TRANSMITTED","timestamp":"2026-11-27 00:51:19.289322","foreign_id":"order-5-777"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:19+01:00"}', '8269b0710778b8ca50b240bdebffa9f0780a772d132fc4295f0ae0fb500bf43a', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 13, '127.0.0.1'),
	('01a229a1-987f-71f5-a1eb-21423ae4e7f2', 'dlr', 'dlr', '77005000760', '2026-11-29 23:26:25.91924+00', '2026-11-29 23:26:29.781874+00', '2026-11-26 23:51:44.636157+00', 'JSON', '{"data":{"msg_id":"77005000760","status":"ACCEPTED","timestamp":"2026-11-27 00:51:44.636157","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:44+01:00"}', '6cbc80bfcca2089a74bffd92ee91e8786fae1aa3955a232042038f9fdbf9a774', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 14, '127.0.0.1'),
	('01a229a1-9895-7512-8a2c-a15fc3a510e9', 'dlr', 'dlr', '77005000760', '2026-11-29 23:26:25.941202+00', '2026-11-29 23:26:29.781943+00', '2026-11-26 23:51:52.347998+00', 'POST', '{"data":{"msg_id":"77005000760","status":"TRANSMITTED","timestamp":"2026-11-27 00:51:52.347998","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:52+01:00"}', '1a549d05bf681ef5c5ac8626dc868fa782a21eef242a99d4fd9b0dccd8731e9f', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 15, '127.0.0.1'),
	('01a229a1-989a-746e-ac7a-e69059dfa479', 'dlr', 'dlr', '77005000775', '2026-11-29 23:26:25.946371+00', '2026-11-29 23:26:29.782025+00', '2026-11-26 23:52:02.797046+00', 'POST', '{"msg_id":"77005000775","status":"ACCEPTED","timestamp":"2026-11-27 00:52:02.797046","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:02+01:00"}', 'b400d5f788aff15e6382869ac57277b028d0ee423e85b7f25488bc495eecfacb', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 16, '127.0.0.1'),
	('01a229a1-989a-746e-ac7a-e691f06fecbd', 'dlr', 'dlr', '77005000775', '2026-11-29 23:26:25.946601+00', '2026-11-29 23:26:29.782093+00', '2026-11-26 23:52:20.814209+00', 'JSON', '{"data":{"msg_id":"77005000775","status":"BUFFERED","timestamp":"2026-11-27 00:52:20.814209"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:20+01:00"}', '995c2187397f18687fcda612e28d9d47beae1d511fd6652846d17c4433b4f1f0', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 17, '127.0.0.1'),
	('01a229a1-989a-746e-ac7a-e692ebd7c093', 'dlr', 'dlr', '77005000760', '2026-11-29 23:26:25.946687+00', '2026-11-29 23:26:29.782157+00', '2026-11-26 23:52:20.876776+00', 'GET', '{"data":{"msg_id":"77005000760","status":"DELIVERED","timestamp":"2026-11-27 00:52:20.876776","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:20+01:00"}', 'd056e333c64f4337e8fcca61f35c5acaa3e1fb17f8dd2dd19d07bbd10e9e26ed', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 18, '127.0.0.1'),
	('01a229a1-98af-764c-b01b-0e42ca10d3d2', 'dlr', 'dlr', '77005000773', '2026-11-29 23:26:25.967014+00', '2026-11-29 23:26:29.782221+00', '2026-11-26 23:53:17.279325+00', 'GET', '{"msg_id":"77005000773","status":"ACCEPTED","timestamp":"2026-11-27 00:53:17.279325","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:17+01:00"}', '6d0874b70148926ec60641960f72c20a369159a49602d5d24f54ba438f54fd72', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 19, '127.0.0.1'),
	('01a229a1-98b9-7496-9407-75712b32a3d6', 'dlr', 'dlr', '77005000775', '2026-11-29 23:26:25.97717+00', '2026-11-29 23:26:29.782282+00', '2026-11-26 23:52:24.679766+00', 'POST', '{"data":{"msg_id":"77005000775","status":"TRANSMITTED","timestamp":"2026-11-27 00:52:24.679766"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:24+01:00"}', 'b87beb9d06c1081817ebcd3626c28d1f08eb1aadf794bc1e08864bb92dd1eb30', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 20, '127.0.0.1'),
	('01a229a1-98b9-7496-9407-7572311337b1', 'dlr', 'dlr', '77005000766', '2026-11-29 23:26:25.977415+00', '2026-11-29 23:26:29.782339+00', '2026-11-26 23:52:56.923925+00', 'JSON', '{"data":{"msg_id":"77005000766","status":"ACCEPTED","timestamp":"2026-11-27 00:52:56.923925"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:56+01:00"}', 'a514e6c5992a8535b1182a861dd32975d9fa13c502214d054246478ca4d7b302', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 21, '127.0.0.1'),
	('01a229a1-98b9-7496-9407-7573efe24c34', 'dlr', 'dlr', '77005000766', '2026-11-29 23:26:25.977493+00', '2026-11-29 23:26:29.782396+00', '2026-11-26 23:52:58.41383+00', 'JSON', '{"data":{"msg_id":"77005000766","status":"TRANSMITTED","timestamp":"2026-11-27 00:52:58.413830"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:58+01:00"}', 'bd653f1514ae632a3d90e2cdf8e4af86cb42e6b8df8b64d0cf8e6e94d79479d1', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 22, '127.0.0.1'),
	('01a229a1-98cc-7539-b3ea-83ad1f9b8370', 'dlr', 'dlr', '77005000776', '2026-11-29 23:26:25.996351+00', '2026-11-29 23:26:29.78295+00', '2026-11-26 23:53:18.594245+00', 'GET', '{"msg_id":"77005000776","status":"ACCEPTED","timestamp":"2026-11-27 00:53:18.594245","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:18+01:00"}', '6ca4e536b9e186e987f4e6471aca3f291e64b6d6560836024f082225c1793ef8', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 23, '127.0.0.1'),
	('01a229a1-98e2-7636-9144-cee6a5cc76cf', 'dlr', 'dlr', '77005000773', '2026-11-29 23:26:26.018495+00', '2026-11-29 23:26:29.783052+00', '2026-11-26 23:53:19.964251+00', 'POST', '{"data":{"msg_id":"77005000773","status":"TRANSMITTED","timestamp":"2026-11-27 00:53:19.964251"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:19+01:00"}', 'b86c882ac618131883bdda256d0062d5da669897fe08c617fc64359c0b85d827', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 24, '127.0.0.1'),
	('01a229a1-98e5-74f7-92fb-7aea107c2ca4', 'dlr', 'dlr', '77005000775', '2026-11-29 23:26:26.021701+00', '2026-11-29 23:26:29.783116+00', '2026-11-26 23:52:20.814209+00', 'POST', '{"data":{"msg_id":"77005000775","status":"BUFFERED","timestamp":"2026-11-27 00:52:20.814209"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:20+01:00"}', '995c2187397f18687fcda612e28d9d47beae1d511fd6652846d17c4433b4f1f0', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 25, '127.0.0.1'),
	('01a229a1-98e6-7503-bc86-65215a876c93', 'dlr', 'dlr', '77005000776', '2026-11-29 23:26:26.022072+00', '2026-11-29 23:26:29.783186+00', '2026-11-26 23:53:23.699305+00', 'JSON', '{"data":{"msg_id":"77005000776","status":"TRANSMITTED","timestamp":"2026-11-27 00:53:23.699305"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:23+01:00"}', '250273c3e4587a14c82c9665caddf8d7905527abaf1ce27b4be7b1b70a572b95', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 26, '127.0.0.1'),
	('01a229a1-98f9-709f-a9b2-e38da5b3ac53', 'dlr', 'dlr', '77005000776', '2026-11-29 23:26:26.041343+00', '2026-11-29 23:26:29.783256+00', '2026-11-26 23:53:54.888919+00', 'GET', '{"msg_id":"77005000776","status":"DELIVERED","timestamp":"2026-11-27 00:53:54.888919","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:54+01:00"}', '852d2229e9f1147caa40a23c7b0894855afcf8784394288349431cd8aac7df24', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 27, '127.0.0.1'),
	('01a229a1-98f9-709f-a9b2-e38ef97fa142', 'dlr', 'dlr', '77005000773', '2026-11-29 23:26:26.041534+00', '2026-11-29 23:26:29.783317+00', '2026-11-26 23:53:34.484928+00', 'POST', '{"msg_id":"77005000773","status":"DELIVERED","timestamp":"2026-11-27 00:53:34.484928","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:34+01:00"}', 'b778de6c356b3b65a953aa81fb64195d8180ce92e91e997f23b2f1a704effc56', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 28, '127.0.0.1'),
	('01a229a1-98f9-709f-a9b2-e39046dd8fa6', 'dlr', 'dlr', '77005000766', '2026-11-29 23:26:26.041864+00', '2026-11-29 23:26:29.783533+00', '2026-11-26 23:53:40.117623+00', 'JSON', '{"data":{"msg_id":"77005000766","status":"DELIVERED","timestamp":"2026-11-27 00:53:40.117623"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:40+01:00"}', 'b8a8e799528120357cfd38b2e71184ea88d8b3f4e80b8bedc41c2e9bf3070f64', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 29, '127.0.0.1'),
	('01a229a1-98f9-709f-a9b2-e391d175a19d', 'dlr', 'dlr', '77005000760', '2026-11-29 23:26:26.041946+00', '2026-11-29 23:26:29.783643+00', '2026-11-26 23:52:20.876776+00', 'JSON', '{"data":{"msg_id":"77005000760","status":"DELIVERED","timestamp":"2026-11-27 00:52:20.876776","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:20+01:00"}', 'd056e333c64f4337e8fcca61f35c5acaa3e1fb17f8dd2dd19d07bbd10e9e26ed', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 30, '127.0.0.1'),
	('01a229a1-9905-72e1-b1a7-8e085d452926', 'dlr', 'dlr', '77005000761', '2026-11-29 23:26:26.053897+00', '2026-11-29 23:26:29.78372+00', '2026-11-26 23:53:58.832554+00', 'GET', '{"msg_id":"77005000761","status":"ACCEPTED","timestamp":"2026-11-27 00:53:58.832554","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:58+01:00"}', 'e5de98dfa90b6deeb55b746e57e736aba7c8ea243fc1efbe476ca201910bb3d6', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 31, '127.0.0.1'),
	('01a229a1-9914-7231-aea6-efd361f04aa1', 'dlr', 'dlr', '77005000761', '2026-11-29 23:26:26.06886+00', '2026-11-29 23:26:29.783863+00', '2026-11-26 23:54:00.770829+00', 'POST', '{"data":{"msg_id":"77005000761","status":"REJECTED","timestamp":"2026-11-27 00:54:00.770829"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:00+01:00"}', '772c118756b624038dec9f68c6cfb9d1dd98efb855711ec1f3bbc284694fd6ed', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 32, '127.0.0.1'),
	('01a229a1-9918-70f4-b602-f5f561d74d83', 'dlr', 'dlr', '77005000763', '2026-11-29 23:26:26.072957+00', '2026-11-29 23:26:29.783942+00', '2026-11-26 23:54:22.171158+00', 'GET', '{"msg_id":"77005000763","status":"ACCEPTED","timestamp":"2026-11-27 00:54:22.171158","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:22+01:00"}', '3d28b502a782df111da086e7df246120b556cc6a30ae9064a25e28d699c1174b', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 33, '127.0.0.1'),
	('01a229a1-9919-760f-b1c8-a59305342024', 'dlr', 'dlr', '77005000763', '2026-11-29 23:26:26.073314+00', '2026-11-29 23:26:29.784006+00', '2026-11-26 23:54:28.328706+00', 'GET', '{"msg_id":"77005000763","status":"TRANSMITTED","timestamp":"2026-11-27 00:54:28.328706","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:28+01:00"}', '589b53bd6ee3aaced89fd42b47c2bf46d9e2c2d36c6793a2f16c125b34721a17', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 34, '127.0.0.1'),
	('01a229a1-9941-7671-b270-30aa04c18594', 'dlr', 'dlr', '77005000766', '2026-11-29 23:26:26.113873+00', '2026-11-29 23:26:29.784067+00', '2026-11-26 23:52:58.41383+00', 'GET', '{"msg_id":"77005000766","status":"TRANSMITTED","timestamp":"2026-11-27 00:52:58.413830","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:58+01:00"}', 'bd653f1514ae632a3d90e2cdf8e4af86cb42e6b8df8b64d0cf8e6e94d79479d1', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 35, '127.0.0.1'),
	('01a229a1-9954-7308-8aac-f9551b52f285', 'dlr', 'dlr', '77005000779', '2026-11-29 23:26:26.132607+00', '2026-11-29 23:26:29.784125+00', '2026-11-26 23:54:39.674058+00', 'JSON', '{"data":{"msg_id":"77005000779","status":"ACCEPTED","timestamp":"2026-11-27 00:54:39.674058"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:39+01:00"}', 'c1551093bcd342bde4d2d8c9e69124d10deda083ba2073a2610abc9faf9b8f1e', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 36, '127.0.0.1'),
	('01a229a1-9954-7308-8aac-f956bc515dbf', 'dlr', 'dlr', '77005000779', '2026-11-29 23:26:26.132812+00', '2026-11-29 23:26:29.784327+00', '2026-11-26 23:54:42.355763+00', 'POST', '{"data":{"msg_id":"77005000779","status":"TRANSMITTED","timestamp":"2026-11-27 00:54:42.355763"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:42+01:00"}', '33fe2176a794f78a4f84fd6e6df93e15ebadda7bca14b4a1b1261b526ea85064', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 37, '127.0.0.1'),
	('01a229a1-9954-7308-8aac-f957414fa72c', 'dlr', 'dlr', '77005000763', '2026-11-29 23:26:26.132926+00', '2026-11-29 23:26:29.784415+00', '2026-11-26 23:54:32.171773+00', 'POST', '{"msg_id":"77005000763","status":"FAILED","timestamp":"2026-11-27 00:54:32.171773","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:32+01:00"}', 'c5fc8e90cb91e0613963456900c95757f665381f7119284953d874d38e2cf498', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 38, '127.0.0.1'),
	('01a229a1-99b8-76b4-a6da-87ffc900b919', 'dlr', 'dlr', '77005000772', '2026-11-29 23:26:26.232054+00', '2026-11-29 23:26:29.862052+00', '2026-11-26 23:56:00.91333+00', 'JSON', '{"data":{"msg_id":"77005000772","status":"ACCEPTED","timestamp":"2026-11-27 00:56:00.913330","foreign_id":"order-5-772"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:56:00+01:00"}', '32464cb8270d394da8e26bddf4dbad2409ae675dfd8bd7ca5643214dffcf4fc2', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 54, '127.0.0.1'),
	('01a229a1-991d-740d-9b41-5074c29b1180', 'rcs', 'parked', NULL, '2026-11-29 23:26:26.07719+00', NULL, NULL, 'GET', '{"data":{"agent_id":"example_agent","sender":"447700900027","msg_id":"77005500154","status":"IS_TYPING","timestamp":"2026-11-27 00:54:36.405140"},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:54:36+01:00"}', '4696fd35d8f46d535af22f7f9126ee85bf70f45d08b074602e4dfdb576ed5cb1', 'parked', 'an event type not known here', 'ab94ef8a91be49638b7d6e7c3b05bfef', 3, '127.0.0.1'),
	('01a229a1-9979-70ab-a19f-2b926fdc87ce', 'rcs', 'parked', NULL, '2026-11-29 23:26:26.169173+00', NULL, NULL, 'JSON', '{"data":{"agent_id":"example_agent","sender":"447700900027","foreign_id":null,"msg_id":"77005500154","status":"IS_TYPING","timestamp":"2026-11-27 00:54:36.405140"},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:54:36+01:00"}', '4696fd35d8f46d535af22f7f9126ee85bf70f45d08b074602e4dfdb576ed5cb1', 'parked', 'an event type not known here', 'ab94ef8a91be49638b7d6e7c3b05bfef', 4, '127.0.0.1'),
	('01a229a1-9979-70ab-a19f-2b9384fe6dd2', 'rcs', 'parked', NULL, '2026-11-29 23:26:26.169332+00', NULL, NULL, 'JSON', '{"data":{"id":5900154,"sender":"447700900027","time":1795737299,"message_type":"RCS","content_type":"location","agent_id":"example_agent","location":{"latitude":52.5,"longitude":13.4}},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:55:00+01:00"}', 'cd683c38a53ff66f4dc8401ae7f8782bb199768e09c78ff8d860700ab29ee0cd', 'parked', 'an event type not known here', 'ab94ef8a91be49638b7d6e7c3b05bfef', 5, '127.0.0.1'),
	('01a229a1-9968-77b9-9398-ad6a2d73eb3e', 'dlr', 'dlr', '77005000779', '2026-11-29 23:26:26.152786+00', '2026-11-29 23:26:29.808707+00', '2026-11-26 23:54:39.674058+00', 'GET', '{"data":{"msg_id":"77005000779","status":"ACCEPTED","timestamp":"2026-11-27 00:54:39.674058"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:39+01:00"}', 'c1551093bcd342bde4d2d8c9e69124d10deda083ba2073a2610abc9faf9b8f1e', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 39, '127.0.0.1'),
	('01a229a1-9969-712f-8cf4-8003146547d3', 'dlr', 'dlr', '77005000771', '2026-11-29 23:26:26.153244+00', '2026-11-29 23:26:29.808934+00', '2026-11-26 23:54:52.078464+00', 'POST', '{"msg_id":"77005000771","status":"ACCEPTED","timestamp":"2026-11-27 00:54:52.078464","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:52+01:00"}', 'ff97a44aaaf0099e15c2ee346eae36b917506ed91a5826e9d79ae111442d8475', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 40, '127.0.0.1'),
	('01a229a1-9969-712f-8cf4-8004d4d316c8', 'dlr', 'dlr', '77005000771', '2026-11-29 23:26:26.153343+00', '2026-11-29 23:26:29.809024+00', '2026-11-26 23:54:59.290116+00', 'POST', '{"data":{"msg_id":"77005000771","status":"TRANSMITTED","timestamp":"2026-11-27 00:54:59.290116"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:59+01:00"}', '7b48bad7e2cf91fbd1c3309f268843496e08d29a549e22abfab6386b139039f7', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 41, '127.0.0.1'),
	('01a229a1-9979-70ab-a19f-2b94bd62950a', 'dlr', 'dlr', '77005000762', '2026-11-29 23:26:26.169418+00', '2026-11-29 23:26:29.8091+00', '2026-11-26 23:55:04.79141+00', 'JSON', '{"data":{"msg_id":"77005000762","status":"ACCEPTED","timestamp":"2026-11-27 00:55:04.791410"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:04+01:00"}', '308a06035ce096e4e72bad1b7a52619181370bde110508622a3ee331c790ce61', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 42, '127.0.0.1'),
	('01a229a1-9979-70ab-a19f-2b9502a62eb1', 'dlr', 'dlr', '77005000762', '2026-11-29 23:26:26.169528+00', '2026-11-29 23:26:29.809163+00', '2026-11-26 23:55:11.751689+00', 'GET', '{"data":{"msg_id":"77005000762","status":"TRANSMITTED","timestamp":"2026-11-27 00:55:11.751689"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:11+01:00"}', 'a54d785a4483e5e8fee1090b4344cd2f7bfba2135e4dfec0cae28d4c25f0e2e8', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 43, '127.0.0.1'),
	('01a229a1-9979-70ab-a19f-2b9601cd994e', 'dlr', 'dlr', '77005000774', '2026-11-29 23:26:26.169652+00', '2026-11-29 23:26:29.809231+00', '2026-11-26 23:55:16.589161+00', 'GET', '{"msg_id":"77005000774","status":"ACCEPTED","timestamp":"2026-11-27 00:55:16.589161","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:16+01:00"}', '8c9278d159dbbe1a4bec4fe485db58f4b6026cff96797525f1925ca20aef75a3', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 44, '127.0.0.1'),
	('01a229a1-9979-70ab-a19f-2b979933ca46', 'dlr', 'dlr', '77005000774', '2026-11-29 23:26:26.169734+00', '2026-11-29 23:26:29.809331+00', '2026-11-26 23:55:19.114268+00', 'JSON', '{"data":{"msg_id":"77005000774","status":"TRANSMITTED","timestamp":"2026-11-27 00:55:19.114268"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:19+01:00"}', 'a011e5863ee0898197e0568254dca72be8add7e88286729d07520fcd8d6bbac1', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 45, '127.0.0.1'),
	('01a229a1-998b-7457-9c46-d73137c7c8bb', 'dlr', 'dlr', '77005000771', '2026-11-29 23:26:26.187337+00', '2026-11-29 23:26:29.809414+00', '2026-11-26 23:55:21.568158+00', 'POST', '{"data":{"msg_id":"77005000771","status":"DELIVERED","timestamp":"2026-11-27 00:55:21.568158"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:21+01:00"}', 'af5200c1771beee06feda5ff8cc0dc6e35b598b89849cb9bc0f94891efd47bad', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 46, '127.0.0.1'),
	('01a229a1-998b-7457-9c46-d732c96a96ee', 'dlr', 'dlr', '77005000762', '2026-11-29 23:26:26.187587+00', '2026-11-29 23:26:29.809475+00', '2026-11-26 23:55:21.183181+00', 'JSON', '{"data":{"msg_id":"77005000762","status":"DELIVERED","timestamp":"2026-11-27 00:55:21.183181"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:21+01:00"}', '424cc814166bbac105400ce01a2249b272b501024897a4debf33f468d3cdd202', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 47, '127.0.0.1'),
	('01a229a1-999c-7141-b23a-50b192cad681', 'dlr', 'dlr', '77005000764', '2026-11-29 23:26:26.20484+00', '2026-11-29 23:26:29.809557+00', '2026-11-26 23:55:28.265925+00', 'POST', '{"data":{"msg_id":"77005000764","status":"ACCEPTED","timestamp":"2026-11-27 00:55:28.265925"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:28+01:00"}', 'ea9d59738e51da8d15f87569761e14059d04799bc255936a1b64fd68459351bd', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 48, '127.0.0.1'),
	('01a229a1-999d-73a3-b9ff-bc9b65020f19', 'dlr', 'dlr', '77005000764', '2026-11-29 23:26:26.205044+00', '2026-11-29 23:26:29.809622+00', '2026-11-26 23:55:31.216012+00', 'GET', '{"data":{"msg_id":"77005000764","status":"TRANSMITTED","timestamp":"2026-11-27 00:55:31.216012"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:31+01:00"}', 'ba478f3a314fa7aa0cef0577eb58aa9250306a61daf125bf37d8b732faccd8fc', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 49, '127.0.0.1'),
	('01a229a1-999d-73a3-b9ff-bc9cbc639ed6', 'dlr', 'dlr', '77005000778', '2026-11-29 23:26:26.205126+00', '2026-11-29 23:26:29.809679+00', '2026-11-26 23:55:31.697897+00', 'POST', '{"data":{"msg_id":"77005000778","status":"ACCEPTED","timestamp":"2026-11-27 00:55:31.697897"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:31+01:00"}', '8748ff65c98b76752a9dd3849036f655b58fd0944772aa46c1c4cf514d2ac28b', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 50, '127.0.0.1'),
	('01a229a1-999d-73a3-b9ff-bc9d192f7a34', 'dlr', 'dlr', '77005000764', '2026-11-29 23:26:26.205198+00', '2026-11-29 23:26:29.809734+00', '2026-11-26 23:55:31.216012+00', 'GET', '{"data":{"msg_id":"77005000764","status":"TRANSMITTED","timestamp":"2026-11-27 00:55:31.216012"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:31+01:00"}', 'ba478f3a314fa7aa0cef0577eb58aa9250306a61daf125bf37d8b732faccd8fc', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 51, '127.0.0.1'),
	('01a229a1-999d-73a3-b9ff-bc9e0dec9b80', 'dlr', 'dlr', '77005000779', '2026-11-29 23:26:26.205268+00', '2026-11-29 23:26:29.810332+00', '2026-11-26 23:55:38.104801+00', 'JSON', '{"data":{"msg_id":"77005000779","status":"DELIVERED","timestamp":"2026-11-27 00:55:38.104801"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:38+01:00"}', 'ab1490c757d4309a77e915c8fc3d0543c4a64a9cefc05af31617e8b9c21e2d36', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 52, '127.0.0.1'),
	('01a229a1-999d-73a3-b9ff-bc9ffd263aef', 'dlr', 'dlr', '77005000764', '2026-11-29 23:26:26.20533+00', '2026-11-29 23:26:29.810418+00', '2026-11-26 23:55:55.756093+00', 'GET', '{"data":{"msg_id":"77005000764","status":"DELIVERED","timestamp":"2026-11-27 00:55:55.756093"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:55+01:00"}', '4d26c9f027cf2cdf5dfaa68a5c8b9baa021c96e0c775dc21203ca77857e4ad42', 'applied', NULL, 'ab94ef8a91be49638b7d6e7c3b05bfef', 53, '127.0.0.1');
INSERT INTO seven.message_statuses_20261123 VALUES
	('77005000769', 'ACCEPTED', '2026-11-26 23:49:41.121117+00'),
	('77005000769', 'DELIVERED', '2026-11-26 23:49:52.861992+00'),
	('77005000769', 'TRANSMITTED', '2026-11-26 23:49:48.874912+00'),
	('77005000770', 'ACCEPTED', '2026-11-26 23:48:57.12659+00'),
	('77005000770', 'DELIVERED', '2026-11-26 23:49:24.980498+00'),
	('77005000770', 'TRANSMITTED', '2026-11-26 23:49:02.166875+00'),
	('77005000760', 'ACCEPTED', '2026-11-26 23:51:44.636157+00'),
	('77005000760', 'DELIVERED', '2026-11-26 23:52:20.876776+00'),
	('77005000760', 'TRANSMITTED', '2026-11-26 23:51:52.347998+00'),
	('77005000761', 'ACCEPTED', '2026-11-26 23:53:58.832554+00'),
	('77005000761', 'REJECTED', '2026-11-26 23:54:00.770829+00'),
	('77005000763', 'ACCEPTED', '2026-11-26 23:54:22.171158+00'),
	('77005000763', 'FAILED', '2026-11-26 23:54:32.171773+00'),
	('77005000763', 'TRANSMITTED', '2026-11-26 23:54:28.328706+00'),
	('77005000766', 'ACCEPTED', '2026-11-26 23:52:56.923925+00'),
	('77005000766', 'DELIVERED', '2026-11-26 23:53:40.117623+00'),
	('77005000766', 'TRANSMITTED', '2026-11-26 23:52:58.41383+00'),
	('77005000768', 'ACCEPTED', '2026-11-26 23:50:35.906645+00'),
	('77005000768', 'DELIVERED', '2026-11-26 23:51:29.145432+00'),
	('77005000768', 'TRANSMITTED', '2026-11-26 23:50:38.710674+00'),
	('77005000773', 'ACCEPTED', '2026-11-26 23:53:17.279325+00'),
	('77005000773', 'DELIVERED', '2026-11-26 23:53:34.484928+00'),
	('77005000773', 'TRANSMITTED', '2026-11-26 23:53:19.964251+00'),
	('77005000775', 'ACCEPTED', '2026-11-26 23:52:02.797046+00'),
	('77005000775', 'BUFFERED', '2026-11-26 23:52:20.814209+00'),
	('77005000775', 'TRANSMITTED', '2026-11-26 23:52:24.679766+00'),
	('77005000776', 'ACCEPTED', '2026-11-26 23:53:18.594245+00'),
	('77005000776', 'DELIVERED', '2026-11-26 23:53:54.888919+00'),
	('77005000776', 'TRANSMITTED', '2026-11-26 23:53:23.699305+00'),
	('77005000777', 'ACCEPTED', '2026-11-26 23:51:17.992904+00'),
	('77005000777', 'DELIVERED', '2026-11-26 23:51:44.410084+00'),
	('77005000777', 'TRANSMITTED', '2026-11-26 23:51:19.289322+00'),
	('77005000779', 'ACCEPTED', '2026-11-26 23:54:39.674058+00'),
	('77005000779', 'TRANSMITTED', '2026-11-26 23:54:42.355763+00'),
	('77005000762', 'ACCEPTED', '2026-11-26 23:55:04.79141+00'),
	('77005000762', 'DELIVERED', '2026-11-26 23:55:21.183181+00'),
	('77005000762', 'TRANSMITTED', '2026-11-26 23:55:11.751689+00'),
	('77005000764', 'ACCEPTED', '2026-11-26 23:55:28.265925+00'),
	('77005000764', 'DELIVERED', '2026-11-26 23:55:55.756093+00'),
	('77005000764', 'TRANSMITTED', '2026-11-26 23:55:31.216012+00'),
	('77005000771', 'ACCEPTED', '2026-11-26 23:54:52.078464+00'),
	('77005000771', 'DELIVERED', '2026-11-26 23:55:21.568158+00'),
	('77005000771', 'TRANSMITTED', '2026-11-26 23:54:59.290116+00'),
	('77005000774', 'ACCEPTED', '2026-11-26 23:55:16.589161+00'),
	('77005000774', 'TRANSMITTED', '2026-11-26 23:55:19.114268+00'),
	('77005000778', 'ACCEPTED', '2026-11-26 23:55:31.697897+00'),
	('77005000779', 'DELIVERED', '2026-11-26 23:55:38.104801+00'),
	('77005000772', 'ACCEPTED', '2026-11-26 23:56:00.91333+00');
INSERT INTO seven.messages VALUES
	('77005000769', 'DELIVERED', 'delivered', true, '2026-11-26 23:49:52.861992+00', 8, NULL, '2026-11-26 23:49:41.121117+00', '2026-11-26 23:49:52.861992+00', '2026-11-29 23:26:29.756953+00'),
	('77005000770', 'DELIVERED', 'delivered', true, '2026-11-26 23:49:24.980498+00', 8, 'order-5-770', '2026-11-26 23:48:57.12659+00', '2026-11-26 23:49:24.980498+00', '2026-11-29 23:26:29.7572+00'),
	('77005000760', 'DELIVERED', 'delivered', true, '2026-11-26 23:52:20.876776+00', 8, 'order-5-760', '2026-11-26 23:51:44.636157+00', '2026-11-26 23:52:20.876776+00', '2026-11-29 23:26:29.805396+00'),
	('77005000761', 'REJECTED', 'failed', true, '2026-11-26 23:54:00.770829+00', 4, NULL, '2026-11-26 23:53:58.832554+00', '2026-11-26 23:54:00.770829+00', '2026-11-29 23:26:29.805459+00'),
	('77005000763', 'FAILED', 'failed', true, '2026-11-26 23:54:32.171773+00', 5, NULL, '2026-11-26 23:54:22.171158+00', '2026-11-26 23:54:32.171773+00', '2026-11-29 23:26:29.80547+00'),
	('77005000766', 'DELIVERED', 'delivered', true, '2026-11-26 23:53:40.117623+00', 8, NULL, '2026-11-26 23:52:56.923925+00', '2026-11-26 23:53:40.117623+00', '2026-11-29 23:26:29.805478+00'),
	('77005000768', 'DELIVERED', 'delivered', true, '2026-11-26 23:51:29.145432+00', 8, NULL, '2026-11-26 23:50:35.906645+00', '2026-11-26 23:51:29.145432+00', '2026-11-29 23:26:29.805485+00'),
	('77005000773', 'DELIVERED', 'delivered', true, '2026-11-26 23:53:34.484928+00', 8, NULL, '2026-11-26 23:53:17.279325+00', '2026-11-26 23:53:34.484928+00', '2026-11-29 23:26:29.805508+00'),
	('77005000775', 'TRANSMITTED', 'pending', false, '2026-11-26 23:52:24.679766+00', 3, NULL, '2026-11-26 23:52:02.797046+00', '2026-11-26 23:52:24.679766+00', '2026-11-29 23:26:29.805516+00'),
	('77005000776', 'DELIVERED', 'delivered', true, '2026-11-26 23:53:54.888919+00', 8, NULL, '2026-11-26 23:53:18.594245+00', '2026-11-26 23:53:54.888919+00', '2026-11-29 23:26:29.805522+00'),
	('77005000777', 'DELIVERED', 'delivered', true, '2026-11-26 23:51:44.410084+00', 8, 'order-5-777', '2026-11-26 23:51:17.992904+00', '2026-11-26 23:51:44.410084+00', '2026-11-29 23:26:29.805529+00'),
	('77005000762', 'DELIVERED', 'delivered', true, '2026-11-26 23:55:21.183181+00', 8, NULL, '2026-11-26 23:55:04.79141+00', '2026-11-26 23:55:21.183181+00', '2026-11-29 23:26:29.831761+00'),
	('77005000764', 'DELIVERED', 'delivered', true, '2026-11-26 23:55:55.756093+00', 8, NULL, '2026-11-26 23:55:28.265925+00', '2026-11-26 23:55:55.756093+00', '2026-11-29 23:26:29.831808+00'),
	('77005000771', 'DELIVERED', 'delivered', true, '2026-11-26 23:55:21.568158+00', 8, NULL, '2026-11-26 23:54:52.078464+00', '2026-11-26 23:55:21.568158+00', '2026-11-29 23:26:29.831817+00'),
	('77005000774', 'TRANSMITTED', 'pending', false, '2026-11-26 23:55:19.114268+00', 3, NULL, '2026-11-26 23:55:16.589161+00', '2026-11-26 23:55:19.114268+00', '2026-11-29 23:26:29.831825+00'),
	('77005000778', 'ACCEPTED', 'pending', false, '2026-11-26 23:55:31.697897+00', 1, NULL, '2026-11-26 23:55:31.697897+00', '2026-11-26 23:55:31.697897+00', '2026-11-29 23:26:29.831832+00'),
	('77005000779', 'DELIVERED', 'delivered', true, '2026-11-26 23:55:38.104801+00', 8, NULL, '2026-11-26 23:54:39.674058+00', '2026-11-26 23:55:38.104801+00', '2026-11-29 23:26:29.831865+00'),
	('77005000772', 'ACCEPTED', 'pending', false, '2026-11-26 23:56:00.91333+00', 1, 'order-5-772', '2026-11-26 23:56:00.91333+00', '2026-11-26 23:56:00.91333+00', '2026-11-29 23:26:29.876027+00');
INSERT INTO seven.seven_ingest_version VALUES
	('0005');
ALTER TABLE ONLY seven.call_statuses
    ADD CONSTRAINT call_statuses_pkey PRIMARY KEY (direction, call_id, status, at);
ALTER TABLE ONLY seven.call_statuses_20261123
    ADD CONSTRAINT call_statuses_20261123_pkey PRIMARY KEY (direction, call_id, status, at);
ALTER TABLE ONLY seven.call_statuses_20261130
    ADD CONSTRAINT call_statuses_20261130_pkey PRIMARY KEY (direction, call_id, status, at);
ALTER TABLE ONLY seven.call_statuses_20261207
    ADD CONSTRAINT call_statuses_20261207_pkey PRIMARY KEY (direction, call_id, status, at);
ALTER TABLE ONLY seven.call_statuses_20261214
    ADD CONSTRAINT call_statuses_20261214_pkey PRIMARY KEY (direction, call_id, status, at);
ALTER TABLE ONLY seven.call_statuses_20261221
    ADD CONSTRAINT call_statuses_20261221_pkey PRIMARY KEY (direction, call_id, status, at);
ALTER TABLE ONLY seven.call_statuses_rest
    ADD CONSTRAINT call_statuses_rest_pkey PRIMARY KEY (direction, call_id, status, at);
ALTER TABLE ONLY seven.calls
    ADD CONSTRAINT calls_pkey PRIMARY KEY (direction, call_id);
ALTER TABLE ONLY seven.dead_letter_failures
    ADD CONSTRAINT dead_letter_failures_pkey PRIMARY KEY (id, attempt);
ALTER TABLE ONLY seven.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.deliveries_20261123
    ADD CONSTRAINT deliveries_20261123_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.deliveries_20261130
    ADD CONSTRAINT deliveries_20261130_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.deliveries_20261207
    ADD CONSTRAINT deliveries_20261207_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.deliveries_20261214
    ADD CONSTRAINT deliveries_20261214_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.deliveries_20261221
    ADD CONSTRAINT deliveries_20261221_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.deliveries_rest
    ADD CONSTRAINT deliveries_rest_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.hook_changes
    ADD CONSTRAINT hook_changes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.inbound_messages
    ADD CONSTRAINT inbound_messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY seven.ledger_marks
    ADD CONSTRAINT ledger_marks_pkey PRIMARY KEY (ledger, queue);
ALTER TABLE ONLY seven.link_events
    ADD CONSTRAINT link_events_pkey PRIMARY KEY (sms_id, tracking_url, type, nth);
ALTER TABLE ONLY seven.links
    ADD CONSTRAINT links_pkey PRIMARY KEY (sms_id, tracking_url);
ALTER TABLE ONLY seven.message_statuses
    ADD CONSTRAINT message_statuses_pkey PRIMARY KEY (msg_id, status, at);
ALTER TABLE ONLY seven.message_statuses_20261123
    ADD CONSTRAINT message_statuses_20261123_pkey PRIMARY KEY (msg_id, status, at);
ALTER TABLE ONLY seven.message_statuses_20261130
    ADD CONSTRAINT message_statuses_20261130_pkey PRIMARY KEY (msg_id, status, at);
ALTER TABLE ONLY seven.message_statuses_20261207
    ADD CONSTRAINT message_statuses_20261207_pkey PRIMARY KEY (msg_id, status, at);
ALTER TABLE ONLY seven.message_statuses_20261214
    ADD CONSTRAINT message_statuses_20261214_pkey PRIMARY KEY (msg_id, status, at);
ALTER TABLE ONLY seven.message_statuses_20261221
    ADD CONSTRAINT message_statuses_20261221_pkey PRIMARY KEY (msg_id, status, at);
ALTER TABLE ONLY seven.message_statuses_rest
    ADD CONSTRAINT message_statuses_rest_pkey PRIMARY KEY (msg_id, status, at);
ALTER TABLE ONLY seven.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (msg_id);
ALTER TABLE ONLY seven.seven_ingest_version
    ADD CONSTRAINT seven_ingest_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY seven.tallies
    ADD CONSTRAINT tallies_pkey PRIMARY KEY (ledger, queue, fate, first_ordinal);
CREATE INDEX ix_call_statuses_at ON ONLY seven.call_statuses USING btree (at);
CREATE INDEX call_statuses_20261123_at_idx ON seven.call_statuses_20261123 USING btree (at);
CREATE INDEX call_statuses_20261130_at_idx ON seven.call_statuses_20261130 USING btree (at);
CREATE INDEX call_statuses_20261207_at_idx ON seven.call_statuses_20261207 USING btree (at);
CREATE INDEX call_statuses_20261214_at_idx ON seven.call_statuses_20261214 USING btree (at);
CREATE INDEX call_statuses_20261221_at_idx ON seven.call_statuses_20261221 USING btree (at);
CREATE INDEX call_statuses_rest_at_idx ON seven.call_statuses_rest USING btree (at);
CREATE INDEX ix_deliveries_ledger_queue_ordinal ON ONLY seven.deliveries USING btree (ledger, queue, ordinal);
CREATE INDEX deliveries_20261123_ledger_queue_ordinal_idx ON seven.deliveries_20261123 USING btree (ledger, queue, ordinal);
CREATE INDEX ix_deliveries_outcome_id ON ONLY seven.deliveries USING btree (outcome, id) WHERE (outcome <> 'applied'::text);
CREATE INDEX deliveries_20261123_outcome_id_idx ON seven.deliveries_20261123 USING btree (outcome, id) WHERE (outcome <> 'applied'::text);
CREATE INDEX ix_deliveries_outcome_received_at ON ONLY seven.deliveries USING btree (outcome, received_at) WHERE (payload IS NOT NULL);
CREATE INDEX deliveries_20261123_outcome_received_at_idx ON seven.deliveries_20261123 USING btree (outcome, received_at) WHERE (payload IS NOT NULL);
CREATE INDEX ix_deliveries_subject ON ONLY seven.deliveries USING btree (subject);
CREATE INDEX deliveries_20261123_subject_idx ON seven.deliveries_20261123 USING btree (subject);
CREATE INDEX deliveries_20261130_ledger_queue_ordinal_idx ON seven.deliveries_20261130 USING btree (ledger, queue, ordinal);
CREATE INDEX deliveries_20261130_outcome_id_idx ON seven.deliveries_20261130 USING btree (outcome, id) WHERE (outcome <> 'applied'::text);
CREATE INDEX deliveries_20261130_outcome_received_at_idx ON seven.deliveries_20261130 USING btree (outcome, received_at) WHERE (payload IS NOT NULL);
CREATE INDEX deliveries_20261130_subject_idx ON seven.deliveries_20261130 USING btree (subject);
CREATE INDEX deliveries_20261207_ledger_queue_ordinal_idx ON seven.deliveries_20261207 USING btree (ledger, queue, ordinal);
CREATE INDEX deliveries_20261207_outcome_id_idx ON seven.deliveries_20261207 USING btree (outcome, id) WHERE (outcome <> 'applied'::text);
CREATE INDEX deliveries_20261207_outcome_received_at_idx ON seven.deliveries_20261207 USING btree (outcome, received_at) WHERE (payload IS NOT NULL);
CREATE INDEX deliveries_20261207_subject_idx ON seven.deliveries_20261207 USING btree (subject);
CREATE INDEX deliveries_20261214_ledger_queue_ordinal_idx ON seven.deliveries_20261214 USING btree (ledger, queue, ordinal);
CREATE INDEX deliveries_20261214_outcome_id_idx ON seven.deliveries_20261214 USING btree (outcome, id) WHERE (outcome <> 'applied'::text);
CREATE INDEX deliveries_20261214_outcome_received_at_idx ON seven.deliveries_20261214 USING btree (outcome, received_at) WHERE (payload IS NOT NULL);
CREATE INDEX deliveries_20261214_subject_idx ON seven.deliveries_20261214 USING btree (subject);
CREATE INDEX deliveries_20261221_ledger_queue_ordinal_idx ON seven.deliveries_20261221 USING btree (ledger, queue, ordinal);
CREATE INDEX deliveries_20261221_outcome_id_idx ON seven.deliveries_20261221 USING btree (outcome, id) WHERE (outcome <> 'applied'::text);
CREATE INDEX deliveries_20261221_outcome_received_at_idx ON seven.deliveries_20261221 USING btree (outcome, received_at) WHERE (payload IS NOT NULL);
CREATE INDEX deliveries_20261221_subject_idx ON seven.deliveries_20261221 USING btree (subject);
CREATE INDEX deliveries_rest_ledger_queue_ordinal_idx ON seven.deliveries_rest USING btree (ledger, queue, ordinal);
CREATE INDEX deliveries_rest_outcome_id_idx ON seven.deliveries_rest USING btree (outcome, id) WHERE (outcome <> 'applied'::text);
CREATE INDEX deliveries_rest_outcome_received_at_idx ON seven.deliveries_rest USING btree (outcome, received_at) WHERE (payload IS NOT NULL);
CREATE INDEX deliveries_rest_subject_idx ON seven.deliveries_rest USING btree (subject);
CREATE INDEX ix_calls_changed_at ON seven.calls USING btree (changed_at);
CREATE INDEX ix_calls_foreign_id ON seven.calls USING btree (foreign_id);
CREATE INDEX ix_inbound_messages_changed_at ON seven.inbound_messages USING btree (changed_at);
CREATE INDEX ix_inbound_messages_sent_at ON seven.inbound_messages USING btree (sent_at);
CREATE INDEX ix_inbound_messages_sent_at_text ON seven.inbound_messages USING btree (sent_at) WHERE (text IS NOT NULL);
CREATE INDEX ix_link_events_at ON seven.link_events USING btree (at);
CREATE INDEX ix_links_changed_at ON seven.links USING btree (changed_at);
CREATE INDEX ix_message_statuses_at ON ONLY seven.message_statuses USING btree (at);
CREATE INDEX ix_messages_changed_at ON seven.messages USING btree (changed_at);
CREATE INDEX ix_messages_foreign_id ON seven.messages USING btree (foreign_id);
CREATE INDEX message_statuses_20261123_at_idx ON seven.message_statuses_20261123 USING btree (at);
CREATE INDEX message_statuses_20261130_at_idx ON seven.message_statuses_20261130 USING btree (at);
CREATE INDEX message_statuses_20261207_at_idx ON seven.message_statuses_20261207 USING btree (at);
CREATE INDEX message_statuses_20261214_at_idx ON seven.message_statuses_20261214 USING btree (at);
CREATE INDEX message_statuses_20261221_at_idx ON seven.message_statuses_20261221 USING btree (at);
CREATE INDEX message_statuses_rest_at_idx ON seven.message_statuses_rest USING btree (at);
ALTER INDEX seven.ix_call_statuses_at ATTACH PARTITION seven.call_statuses_20261123_at_idx;
ALTER INDEX seven.call_statuses_pkey ATTACH PARTITION seven.call_statuses_20261123_pkey;
ALTER INDEX seven.ix_call_statuses_at ATTACH PARTITION seven.call_statuses_20261130_at_idx;
ALTER INDEX seven.call_statuses_pkey ATTACH PARTITION seven.call_statuses_20261130_pkey;
ALTER INDEX seven.ix_call_statuses_at ATTACH PARTITION seven.call_statuses_20261207_at_idx;
ALTER INDEX seven.call_statuses_pkey ATTACH PARTITION seven.call_statuses_20261207_pkey;
ALTER INDEX seven.ix_call_statuses_at ATTACH PARTITION seven.call_statuses_20261214_at_idx;
ALTER INDEX seven.call_statuses_pkey ATTACH PARTITION seven.call_statuses_20261214_pkey;
ALTER INDEX seven.ix_call_statuses_at ATTACH PARTITION seven.call_statuses_20261221_at_idx;
ALTER INDEX seven.call_statuses_pkey ATTACH PARTITION seven.call_statuses_20261221_pkey;
ALTER INDEX seven.ix_call_statuses_at ATTACH PARTITION seven.call_statuses_rest_at_idx;
ALTER INDEX seven.call_statuses_pkey ATTACH PARTITION seven.call_statuses_rest_pkey;
ALTER INDEX seven.ix_deliveries_ledger_queue_ordinal ATTACH PARTITION seven.deliveries_20261123_ledger_queue_ordinal_idx;
ALTER INDEX seven.ix_deliveries_outcome_id ATTACH PARTITION seven.deliveries_20261123_outcome_id_idx;
ALTER INDEX seven.ix_deliveries_outcome_received_at ATTACH PARTITION seven.deliveries_20261123_outcome_received_at_idx;
ALTER INDEX seven.deliveries_pkey ATTACH PARTITION seven.deliveries_20261123_pkey;
ALTER INDEX seven.ix_deliveries_subject ATTACH PARTITION seven.deliveries_20261123_subject_idx;
ALTER INDEX seven.ix_deliveries_ledger_queue_ordinal ATTACH PARTITION seven.deliveries_20261130_ledger_queue_ordinal_idx;
ALTER INDEX seven.ix_deliveries_outcome_id ATTACH PARTITION seven.deliveries_20261130_outcome_id_idx;
ALTER INDEX seven.ix_deliveries_outcome_received_at ATTACH PARTITION seven.deliveries_20261130_outcome_received_at_idx;
ALTER INDEX seven.deliveries_pkey ATTACH PARTITION seven.deliveries_20261130_pkey;
ALTER INDEX seven.ix_deliveries_subject ATTACH PARTITION seven.deliveries_20261130_subject_idx;
ALTER INDEX seven.ix_deliveries_ledger_queue_ordinal ATTACH PARTITION seven.deliveries_20261207_ledger_queue_ordinal_idx;
ALTER INDEX seven.ix_deliveries_outcome_id ATTACH PARTITION seven.deliveries_20261207_outcome_id_idx;
ALTER INDEX seven.ix_deliveries_outcome_received_at ATTACH PARTITION seven.deliveries_20261207_outcome_received_at_idx;
ALTER INDEX seven.deliveries_pkey ATTACH PARTITION seven.deliveries_20261207_pkey;
ALTER INDEX seven.ix_deliveries_subject ATTACH PARTITION seven.deliveries_20261207_subject_idx;
ALTER INDEX seven.ix_deliveries_ledger_queue_ordinal ATTACH PARTITION seven.deliveries_20261214_ledger_queue_ordinal_idx;
ALTER INDEX seven.ix_deliveries_outcome_id ATTACH PARTITION seven.deliveries_20261214_outcome_id_idx;
ALTER INDEX seven.ix_deliveries_outcome_received_at ATTACH PARTITION seven.deliveries_20261214_outcome_received_at_idx;
ALTER INDEX seven.deliveries_pkey ATTACH PARTITION seven.deliveries_20261214_pkey;
ALTER INDEX seven.ix_deliveries_subject ATTACH PARTITION seven.deliveries_20261214_subject_idx;
ALTER INDEX seven.ix_deliveries_ledger_queue_ordinal ATTACH PARTITION seven.deliveries_20261221_ledger_queue_ordinal_idx;
ALTER INDEX seven.ix_deliveries_outcome_id ATTACH PARTITION seven.deliveries_20261221_outcome_id_idx;
ALTER INDEX seven.ix_deliveries_outcome_received_at ATTACH PARTITION seven.deliveries_20261221_outcome_received_at_idx;
ALTER INDEX seven.deliveries_pkey ATTACH PARTITION seven.deliveries_20261221_pkey;
ALTER INDEX seven.ix_deliveries_subject ATTACH PARTITION seven.deliveries_20261221_subject_idx;
ALTER INDEX seven.ix_deliveries_ledger_queue_ordinal ATTACH PARTITION seven.deliveries_rest_ledger_queue_ordinal_idx;
ALTER INDEX seven.ix_deliveries_outcome_id ATTACH PARTITION seven.deliveries_rest_outcome_id_idx;
ALTER INDEX seven.ix_deliveries_outcome_received_at ATTACH PARTITION seven.deliveries_rest_outcome_received_at_idx;
ALTER INDEX seven.deliveries_pkey ATTACH PARTITION seven.deliveries_rest_pkey;
ALTER INDEX seven.ix_deliveries_subject ATTACH PARTITION seven.deliveries_rest_subject_idx;
ALTER INDEX seven.ix_message_statuses_at ATTACH PARTITION seven.message_statuses_20261123_at_idx;
ALTER INDEX seven.message_statuses_pkey ATTACH PARTITION seven.message_statuses_20261123_pkey;
ALTER INDEX seven.ix_message_statuses_at ATTACH PARTITION seven.message_statuses_20261130_at_idx;
ALTER INDEX seven.message_statuses_pkey ATTACH PARTITION seven.message_statuses_20261130_pkey;
ALTER INDEX seven.ix_message_statuses_at ATTACH PARTITION seven.message_statuses_20261207_at_idx;
ALTER INDEX seven.message_statuses_pkey ATTACH PARTITION seven.message_statuses_20261207_pkey;
ALTER INDEX seven.ix_message_statuses_at ATTACH PARTITION seven.message_statuses_20261214_at_idx;
ALTER INDEX seven.message_statuses_pkey ATTACH PARTITION seven.message_statuses_20261214_pkey;
ALTER INDEX seven.ix_message_statuses_at ATTACH PARTITION seven.message_statuses_20261221_at_idx;
ALTER INDEX seven.message_statuses_pkey ATTACH PARTITION seven.message_statuses_20261221_pkey;
ALTER INDEX seven.ix_message_statuses_at ATTACH PARTITION seven.message_statuses_rest_at_idx;
ALTER INDEX seven.message_statuses_pkey ATTACH PARTITION seven.message_statuses_rest_pkey;
