-- A second derived set: what stands here hides the stored tables of the same name, for one connection. Its events come first.
CREATE {passing}TABLE visitors AS SELECT * FROM {store}.visitors;
CREATE {passing}TABLE persons AS SELECT * FROM {store}.persons LIMIT 0;
CREATE {passing}TABLE sessions AS SELECT * FROM {store}.sessions LIMIT 0;
CREATE {passing}TABLE orders AS SELECT * FROM {store}.orders LIMIT 0;
CREATE {passing}TABLE refunds AS SELECT * FROM {store}.refunds LIMIT 0;
CREATE {passing}TABLE facts (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE {passing}TABLE costs AS SELECT * FROM {store}.costs WHERE day <= $until_day;
