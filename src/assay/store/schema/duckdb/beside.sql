-- A second derived set, private to one connection: temporary tables hide the stored ones of the same name.
CREATE OR REPLACE TEMP TABLE events AS SELECT * FROM {store}.events WHERE received_at <= $moment;
CREATE OR REPLACE TEMP TABLE visitors AS SELECT * FROM {store}.visitors;
CREATE OR REPLACE TEMP TABLE persons AS SELECT * FROM {store}.persons LIMIT 0;
CREATE OR REPLACE TEMP TABLE sessions AS SELECT * FROM {store}.sessions LIMIT 0;
CREATE OR REPLACE TEMP TABLE orders AS SELECT * FROM {store}.orders LIMIT 0;
CREATE OR REPLACE TEMP TABLE refunds AS SELECT * FROM {store}.refunds LIMIT 0;
CREATE OR REPLACE TEMP TABLE facts (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE OR REPLACE TEMP TABLE costs AS SELECT * FROM {store}.costs WHERE day <= $until_day;
