-- Who a visitor was when: one row per visitor and known user, from one identification to the next. A visitor's events
-- before the first identification belong to the first user. person_key is the user (a hash), else the visitor itself.
CREATE TABLE persons (
    visitor_key BIGINT NOT NULL,
    visitor VARCHAR NOT NULL,
    since_t BIGINT NOT NULL,
    until_t BIGINT NOT NULL,
    user_id VARCHAR,
    account VARCHAR,               -- the latest of the visitor
    person_key BIGINT NOT NULL
);
ALTER TABLE orders ADD COLUMN person_key BIGINT;
