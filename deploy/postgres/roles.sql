-- A role for each process, with the least rights: deploy/operate.md, "Least privilege in PostgreSQL".
-- Written by `make acl`.
--
-- Run it once, after the first migration, as the role that owns the schema and runs `seven-ingest migrate`; later
-- migrations keep the rights as they are here. Safe to repeat:
--   psql -v ON_ERROR_STOP=1 -f roles.sql seven
-- If that role may not create roles, let an administrator run the first statement before.
--
-- Nobody but the owner may create, alter or drop anything, partitions included. The roles have no password yet:
--   psql -c '\password seven_worker' seven

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['seven_worker', 'seven_dispatcher', 'seven_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
END $$;

BEGIN;

REVOKE ALL ON ALL TABLES IN SCHEMA seven FROM seven_worker, seven_dispatcher, seven_operator;
GRANT USAGE ON SCHEMA seven TO seven_worker, seven_dispatcher, seven_operator;
GRANT SELECT ON ALL TABLES IN SCHEMA seven TO seven_worker, seven_dispatcher, seven_operator;

-- Workers write what was received, and remove what is too old.
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA seven TO seven_worker;
-- But who was forgotten, and who is notified, is decided elsewhere; and no process says which version the schema has.
REVOKE INSERT, UPDATE, DELETE ON seven.fences, seven.forgotten, seven.reactions FROM seven_worker;
REVOKE INSERT, UPDATE ON seven.notifications FROM seven_worker;
REVOKE INSERT, UPDATE, DELETE ON seven.seven_ingest_version FROM seven_worker;

-- The dispatcher reads records, and keeps what it sends to whom. `changes` are also how health and heartbeats travel.
GRANT INSERT, UPDATE ON seven.changes, seven.reactions TO seven_dispatcher;
GRANT INSERT, UPDATE, DELETE ON seven.notifications TO seven_dispatcher;

-- Commands do all of it, and `forget` alone erases.
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA seven TO seven_operator;
REVOKE INSERT, UPDATE, DELETE ON seven.seven_ingest_version FROM seven_operator;

-- Tables that a migration adds, until its end.
ALTER DEFAULT PRIVILEGES IN SCHEMA seven GRANT SELECT ON TABLES TO seven_worker, seven_dispatcher, seven_operator;
ALTER DEFAULT PRIVILEGES IN SCHEMA seven GRANT INSERT, UPDATE, DELETE ON TABLES TO seven_worker, seven_operator;

COMMIT;
