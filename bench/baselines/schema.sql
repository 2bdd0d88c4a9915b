-- What the baselines keep. `intents` is used by those that write down what they mean to do before they do it.
CREATE TABLE appointments (
    appointment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    booking_uid text NOT NULL UNIQUE,
    call_id text NOT NULL,
    name text NOT NULL,
    phone text NOT NULL,
    starts_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE intents (
    intent_id text PRIMARY KEY,
    intent_key text NOT NULL UNIQUE,
    call_id text NOT NULL,
    name text NOT NULL,
    phone text NOT NULL,
    starts_at timestamptz NOT NULL,
    state text NOT NULL,
    deadline timestamptz NOT NULL,
    booking_uid text
);
