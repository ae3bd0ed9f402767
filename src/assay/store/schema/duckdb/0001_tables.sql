-- One row per loaded segment. A name can be loaded only once; its rows came in with it, in one transaction.
CREATE TABLE segments (
    name VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    load_no INTEGER NOT NULL,
    loaded_at BIGINT NOT NULL,
    rows BIGINT NOT NULL,          -- lines in the segment
    stored BIGINT NOT NULL,        -- new events
    duplicates BIGINT NOT NULL,    -- same id, same content
    clashes BIGINT NOT NULL,       -- same id, other content
    quarantined BIGINT NOT NULL
);

-- The event line as it came, deduplicated by id, and the keys derived under the plan's present rules.
CREATE TABLE events (
    event_no BIGINT NOT NULL,
    load_no INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    id_hash UBIGINT NOT NULL,
    name VARCHAR NOT NULL,
    t BIGINT NOT NULL,             -- microseconds UTC
    day DATE NOT NULL,             -- in the site's zone
    visitor_key BIGINT,            -- null: no visitor and no user
    session_key BIGINT,            -- null: opens no session (bot, staging, not interactive outside one)
    seq BIGINT NOT NULL,
    sent_at BIGINT,
    received_at BIGINT NOT NULL,
    source VARCHAR NOT NULL,
    environment VARCHAR NOT NULL,
    visitor VARCHAR,
    user_id VARCHAR,
    account VARCHAR,
    session VARCHAR,
    hit BIGINT,
    url VARCHAR,
    host VARCHAR,
    path VARCHAR,
    title VARCHAR,
    referrer VARCHAR,
    utm_source VARCHAR,
    utm_medium VARCHAR,
    utm_campaign VARCHAR,
    utm_content VARCHAR,
    utm_term VARCHAR,
    click_id VARCHAR,
    device VARCHAR,
    browser VARCHAR,
    os VARCHAR,
    country VARCHAR,
    language VARCHAR,
    screen VARCHAR,
    bot BOOLEAN NOT NULL,
    interactive BOOLEAN NOT NULL,
    session_channel VARCHAR,
    session_new BOOLEAN,
    session_bounce BOOLEAN,
    order_id VARCHAR,
    amount DECIMAL(18, 6),         -- in currency
    currency VARCHAR,
    items VARCHAR,
    consent VARCHAR,
    props VARCHAR
);

-- A visitor is a device, or a user seen without one. person_key is the smallest visitor_key of the same user.
CREATE TABLE visitors (
    visitor_key BIGINT NOT NULL,
    visitor VARCHAR NOT NULL,
    user_id VARCHAR,
    account VARCHAR,
    person_key BIGINT NOT NULL
);

CREATE TABLE sessions (
    session_key BIGINT NOT NULL,
    visitor_key BIGINT NOT NULL,
    session_no BIGINT NOT NULL,
    source_session VARCHAR,
    day DATE NOT NULL,
    start_t BIGINT NOT NULL,
    end_t BIGINT NOT NULL,
    events BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    page_views BIGINT NOT NULL,
    interactions BIGINT NOT NULL,
    clicks BIGINT NOT NULL,
    engaged_us BIGINT,             -- time in the foreground, null: no beats
    is_new BOOLEAN NOT NULL,
    is_bounce BOOLEAN,             -- null: the rule cannot say
    channel VARCHAR NOT NULL,
    source VARCHAR,
    medium VARCHAR,
    campaign VARCHAR,
    referrer VARCHAR,
    entry_page VARCHAR,
    exit_page VARCHAR,
    device VARCHAR,
    browser VARCHAR,
    os VARCHAR,
    country VARCHAR,
    language VARCHAR,
    account VARCHAR
);

-- Orders as entities, merged by id over all sources. Money in the site's currency.
CREATE TABLE orders (
    order_id VARCHAR NOT NULL,
    event_no BIGINT NOT NULL,      -- the line that says who and where from
    money_event_no BIGINT,         -- the line that says how much
    visitor_key BIGINT,
    session_key BIGINT,
    account VARCHAR,
    t BIGINT NOT NULL,
    day DATE NOT NULL,
    source VARCHAR NOT NULL,
    lines BIGINT NOT NULL,
    currency VARCHAR NOT NULL,
    rate DECIMAL(18, 9) NOT NULL,  -- site currency per unit of currency
    gross DECIMAL(18, 6),          -- null: no line brings an amount
    refunded DECIMAL(18, 6) NOT NULL,
    net DECIMAL(18, 6) NOT NULL,
    cost DECIMAL(18, 6),
    shipping DECIMAL(18, 6),
    discount DECIMAL(18, 6),
    fees DECIMAL(18, 6),
    tax DECIMAL(18, 6),
    contribution DECIMAL(18, 6) NOT NULL,
    gross_margin DECIMAL(18, 6) NOT NULL,
    coupon VARCHAR,
    order_type VARCHAR NOT NULL,
    order_no BIGINT NOT NULL,      -- of the customer, from 1
    counted BOOLEAN NOT NULL       -- enters rates and revenue per visitor
);

CREATE TABLE refunds (
    event_no BIGINT NOT NULL,
    order_id VARCHAR,              -- null: names no known order
    t BIGINT NOT NULL,
    day DATE NOT NULL,
    amount DECIMAL(18, 6) NOT NULL -- in the site's currency
);

CREATE TABLE costs (
    id VARCHAR NOT NULL,
    load_no INTEGER NOT NULL,
    day DATE NOT NULL,
    source VARCHAR,
    medium VARCHAR,
    channel VARCHAR,
    campaign VARCHAR,
    amount DECIMAL(18, 6),
    currency VARCHAR,
    impressions BIGINT,
    clicks BIGINT,
    claimed_conversions DOUBLE,    -- what the ad platform says of itself
    claimed_value DECIMAL(18, 6)
);

-- Rows that could not be used, with the reason: kept, never dropped.
CREATE TABLE quarantine (
    segment VARCHAR NOT NULL,
    file VARCHAR,
    line BIGINT,
    reason VARCHAR NOT NULL,
    raw VARCHAR
);

-- Rates of the European Central Bank as used: one unit of currency in the site's currency.
CREATE TABLE rates (site VARCHAR NOT NULL, currency VARCHAR NOT NULL, day DATE NOT NULL, rate DECIMAL(18, 9) NOT NULL);

-- What the derived tables were made with.
CREATE TABLE facts (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
