-- LIM: L2's two commits, sent by pgbench. No HTTP, no calendar, no Python: what this server can commit at all.
-- `n` is given at the start and counts on in each client, so that ids grow and are never met again.
\set n :n + 1
\set id :n * 1000 + :client_id
INSERT INTO intents (intent_id, intent_key, call_id, name, phone, starts_at, state, deadline)
VALUES (to_char(:id::bigint, 'FM00000000000000000000000000000000'), sha256(:id::bigint::text::bytea)::text,
        'call_' || :id::bigint, 'Jürgen Groß-Vogt', '+4930' || :id::bigint, now() + interval '7 days', 'sent',
        now() + interval '12 seconds');
WITH moved AS (
    UPDATE intents SET state = 'confirmed', booking_uid = 'uid' || intent_id
    WHERE intent_id = to_char(:id::bigint, 'FM00000000000000000000000000000000') AND state = 'sent'
    RETURNING call_id, name, phone, starts_at, booking_uid)
INSERT INTO appointments (booking_uid, call_id, name, phone, starts_at)
SELECT booking_uid, call_id, name, phone, starts_at FROM moved;
