-- A second derived set: what stands here hides the stored tables of the same name, for one connection. Its events come first.
CREATE OR REPLACE {kind} {into}visitors AS SELECT * FROM {store}.visitors;
CREATE OR REPLACE {kind} {into}persons AS SELECT * FROM {store}.persons LIMIT 0;
CREATE OR REPLACE {kind} {into}sessions AS SELECT * FROM {store}.sessions LIMIT 0;
CREATE OR REPLACE {kind} {into}orders AS SELECT * FROM {store}.orders LIMIT 0;
CREATE OR REPLACE {kind} {into}refunds AS SELECT * FROM {store}.refunds LIMIT 0;
CREATE OR REPLACE {kind} {into}facts (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE OR REPLACE {kind} {into}costs AS SELECT * FROM {store}.costs WHERE day <= $until_day;
