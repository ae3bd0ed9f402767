-- name: add_change
INSERT INTO changes (date, kind, what, link, noted_at) VALUES (:date, :kind, :what, :link, :noted_at)
ON CONFLICT (date, kind, what) DO UPDATE SET link = coalesce(excluded.link, link);

-- name: changes
SELECT no, date, kind, what, link, noted_at FROM changes ORDER BY date, no;

-- name: remove_change
DELETE FROM changes WHERE no = :no;

-- name: add_definition
INSERT INTO definitions (metric, id, first_seen, text, meaning) VALUES (:metric, :id, :first_seen, :text, :meaning);

-- name: say_definition
UPDATE definitions SET text = :text, meaning = :meaning WHERE metric = :metric AND id = :id AND text IS NULL;

-- name: definitions
SELECT metric, id, first_seen, text, meaning FROM definitions ORDER BY no;

-- name: add_idea
INSERT INTO backlog (key, title, source, metric, segment, step, worth, worth_low, worth_high, sample, weeks, noted_at, updated_at)
VALUES (:key, :title, :source, :metric, :segment, :step, :worth, :worth_low, :worth_high, :sample, :weeks, :now, :now)
ON CONFLICT (key) DO UPDATE SET title = excluded.title, worth = excluded.worth, worth_low = excluded.worth_low,
    worth_high = excluded.worth_high, sample = excluded.sample, weeks = excluded.weeks, updated_at = excluded.updated_at;

-- name: rate_idea
UPDATE backlog SET confidence = coalesce(:confidence, confidence), effort = coalesce(:effort, effort),
    evidence = coalesce(:evidence, evidence), experiment = coalesce(:experiment, experiment),
    status = coalesce(:status, status), updated_at = :now WHERE no = :no;

-- name: backlog
SELECT * FROM backlog ORDER BY CAST(coalesce(worth, '0') AS REAL) DESC, no;

-- name: alerts
SELECT * FROM alerts ORDER BY no;

-- name: put_alert
INSERT INTO alerts (key, subject, part, cause, first, last, recovered, weekly, text, incident, raised_at)
VALUES (:key, :subject, :part, :cause, :first, :last, :recovered, :weekly, :text, :incident, :now)
ON CONFLICT (key) DO UPDATE SET last = excluded.last, recovered = excluded.recovered, incident = excluded.incident;

-- name: acknowledge_alert
UPDATE alerts SET acknowledged_at = coalesce(acknowledged_at, :now) WHERE no = :no;

-- name: alert_mutes
SELECT subject, until FROM alert_mutes ORDER BY subject;

-- name: mute_alert
INSERT INTO alert_mutes (subject, until, muted_at) VALUES (:subject, :until, :now)
ON CONFLICT (subject) DO UPDATE SET until = excluded.until, muted_at = excluded.muted_at;

-- name: unmute_alert
DELETE FROM alert_mutes WHERE subject = :subject;

-- name: alert_days
SELECT day, series, p FROM alert_days ORDER BY day;

-- name: add_alert_day
INSERT INTO alert_days (day, series, p, judged_at) VALUES (:day, :series, :p, :now) ON CONFLICT (day) DO NOTHING;

-- name: add_coverage
INSERT INTO coverage (first, last, orders, tracked, amount, tracked_amount, file, noted_at)
VALUES (:first, :last, :orders, :tracked, :amount, :tracked_amount, :file, :noted_at);

-- name: coverage
SELECT * FROM coverage ORDER BY last DESC, no DESC;

-- name: log_experiment
INSERT INTO experiment_log (name, action, at, noted_at, hash, detail) VALUES (:name, :action, :at, :now, :hash, :detail);

-- name: experiment_log
SELECT * FROM experiment_log ORDER BY no;

-- name: add_key
INSERT INTO keys (key, source, environment, origins, made_at) VALUES (:key, :source, :environment, :origins, :now);

-- name: keys
SELECT * FROM keys ORDER BY made_at, key;

-- name: revoke_key
UPDATE keys SET revoked_at = :now WHERE key = :key AND revoked_at IS NULL;

-- name: tombstones
SELECT kind, hash, since_t, until_t FROM tombstones ORDER BY kind, hash, since_t;

-- name: add_tombstone
INSERT INTO tombstones (kind, hash, since_t, until_t) VALUES (:kind, :hash, :since, :until)
ON CONFLICT (kind, hash, since_t) DO UPDATE SET until_t = max(until_t, excluded.until_t);

-- name: log_erasure
INSERT INTO erasures (at, kind, events, lines, quarantined) VALUES (:now, :kind, :events, :lines, :quarantined);

-- name: erasures
SELECT * FROM erasures ORDER BY no;

-- name: fact
SELECT value FROM facts WHERE key = :key;

-- name: add_fact
INSERT INTO facts (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING;

-- name: text_columns
SELECT t.name AS "table", c.name AS "column" FROM sqlite_master t JOIN pragma_table_info(t.name) c
WHERE t.type = 'table' AND c.type = 'TEXT' AND t.name NOT IN ('keys', 'tombstones', 'facts', 'users', 'entry_links', 'sessions', 'api_keys') ORDER BY 1, 2;

-- name: texts
SELECT {column} AS text FROM {table} WHERE {column} IS NOT NULL;

-- name: naming
SELECT rowid AS no, {column} AS text FROM {table} WHERE instr({column}, :id) > 0;

-- name: put_text
UPDATE {table} SET {column} = :text WHERE rowid = :no;

-- name: secure
PRAGMA secure_delete = ON;

-- name: compact
VACUUM;

-- name: checkpoint
PRAGMA wal_checkpoint(TRUNCATE);

-- name: users
SELECT no, email, name, role, password IS NOT NULL AS ready, made_at, password_at, seen_at FROM users ORDER BY email;

-- name: user
SELECT no, email, name, role, password FROM users WHERE email = :email;

-- name: user_by_no
SELECT no, email, name, role, password FROM users WHERE no = :no;

-- name: add_user
INSERT INTO users (email, name, role, made_at) VALUES (:email, :name, :role, :now);

-- name: set_role
UPDATE users SET role = :role WHERE no = :no;

-- name: set_name
UPDATE users SET name = :name WHERE no = :no;

-- name: set_password
UPDATE users SET password = :password, password_at = :now WHERE no = :no;

-- name: renew_password
UPDATE users SET password = :password WHERE no = :no AND password = :old;

-- name: remove_user
DELETE FROM users WHERE no = :no;

-- name: admins
SELECT no FROM users WHERE role = 'admin' AND (password IS NOT NULL OR seen_at IS NOT NULL) ORDER BY no;

-- name: add_entry_link
INSERT INTO entry_links (hash, kind, user, made_at, expires_at) VALUES (:hash, :kind, :user, :now, :expires_at);

-- name: entry_link
SELECT l.kind, l.user, u.email, u.name FROM entry_links l LEFT JOIN users u ON u.no = l.user
WHERE l.hash = :hash AND l.used_at IS NULL AND l.expires_at > :now;

-- name: use_entry_link
UPDATE entry_links SET used_at = :now WHERE hash = :hash AND used_at IS NULL AND expires_at > :now;

-- name: void_first_links
DELETE FROM entry_links WHERE kind = 'first' AND used_at IS NULL;

-- name: void_entry_links
DELETE FROM entry_links WHERE user = :user AND used_at IS NULL;

-- name: add_session
INSERT INTO sessions (hash, user, made_at, seen_at, expires_at) VALUES (:hash, :user, :now, :now, :expires_at);

-- name: session
SELECT s.hash, s.made_at, s.seen_at, s.expires_at, u.no, u.email, u.name, u.role
FROM sessions s JOIN users u ON u.no = s.user WHERE s.hash = :hash;

-- name: sessions
SELECT hash, made_at, seen_at, expires_at FROM sessions WHERE user = :user ORDER BY seen_at DESC, made_at DESC;

-- name: see_session
UPDATE sessions SET seen_at = max(seen_at, :now) WHERE hash = :hash;

-- name: see_user
UPDATE users SET seen_at = :now WHERE no = :no;

-- name: end_session
DELETE FROM sessions WHERE hash = :hash;

-- name: end_sessions
DELETE FROM sessions WHERE user = :user;

-- name: end_old_sessions
DELETE FROM sessions WHERE expires_at <= :now OR seen_at <= :idle
    OR user = :user AND hash NOT IN (SELECT hash FROM sessions WHERE user = :user ORDER BY made_at DESC, rowid DESC LIMIT :most);

-- name: add_api_key
INSERT INTO api_keys (hash, start, name, scopes, made_by, made_at, expires_at)
VALUES (:hash, :start, :name, :scopes, :made_by, :now, :expires_at);

-- name: api_key
SELECT no, name, scopes, expires_at, used_at, revoked_at FROM api_keys WHERE hash = :hash;

-- name: api_keys
SELECT no, start, name, scopes, made_by, made_at, expires_at, used_at, revoked_at FROM api_keys ORDER BY made_at DESC, no DESC;

-- name: see_api_key
UPDATE api_keys SET used_at = :now WHERE no = :no;

-- name: revoke_api_key
UPDATE api_keys SET revoked_at = :now WHERE no = :no AND revoked_at IS NULL;

-- name: add_share
INSERT INTO share_links (hash, path, query, title, made_by, made_at, expires_at)
VALUES (:hash, :path, :query, :title, :made_by, :now, :expires_at);

-- name: share
SELECT no, path, query, title, used_at FROM share_links
WHERE hash = :hash AND revoked_at IS NULL AND expires_at > :now;

-- name: shares
SELECT no, path, query, title, made_by, made_at, expires_at, used_at, revoked_at
FROM share_links ORDER BY made_at DESC, no DESC;

-- name: see_share
UPDATE share_links SET used_at = :now WHERE no = :no;

-- name: revoke_share
UPDATE share_links SET revoked_at = :now WHERE no = :no AND revoked_at IS NULL;

-- name: add_audit
INSERT INTO audit_log (at, who, via, what, about, detail) VALUES (:now, :who, :via, :what, :about, :detail);

-- name: trim_audit
DELETE FROM audit_log WHERE what = :what AND no <=
    (SELECT no FROM audit_log WHERE what = :what ORDER BY no DESC LIMIT 1 OFFSET :most);

-- name: audit
SELECT no, at, who, via, what, about, detail FROM audit_log
WHERE (:before IS NULL OR no < :before) AND (:what IS NULL OR what = :what) ORDER BY no DESC LIMIT :limit;

-- name: outbox
SELECT * FROM outbox ORDER BY no DESC LIMIT 200;

-- name: outbox_states
SELECT state, count(*) AS many FROM outbox GROUP BY state;

-- name: outbox_known
SELECT 1 AS one FROM outbox WHERE slot = :slot AND schedule = :schedule AND format = :format AND receiver = :receiver;

-- name: add_outbox
INSERT INTO outbox (slot, schedule, receiver, format, file, text, state, next_at, changed_at)
VALUES (:slot, :schedule, :receiver, :format, :file, :text, 'waiting', :now, :now)
ON CONFLICT (slot, schedule, receiver, format) DO NOTHING;

-- name: outbox_due
SELECT * FROM outbox WHERE state = 'waiting' AND next_at <= :now ORDER BY no;

-- name: claim_outbox
UPDATE outbox SET state = 'sending', tries = tries + 1, changed_at = :now
WHERE no = :no AND state = 'waiting' AND tries = :tries;

-- name: set_outbox
UPDATE outbox SET state = :state, why = :why, next_at = :next, changed_at = :now WHERE no = :no AND state = 'sending';

-- name: lost_outbox
UPDATE outbox SET state = 'unclear', why = :why, changed_at = :now WHERE state = 'sending' AND changed_at < :before;

-- name: again_outbox
UPDATE outbox SET state = 'waiting', next_at = :now, changed_at = :now WHERE no = :no AND state <> 'sending';

-- name: views
SELECT no, title, view, made_by, made_at FROM views ORDER BY title, no;

-- name: add_view
INSERT INTO views (title, view, made_by, made_at) VALUES (:title, :view, :made_by, :now);

-- name: remove_view
DELETE FROM views WHERE no = :no;

-- name: boards
SELECT board, COUNT(*) AS cards FROM board_cards GROUP BY board ORDER BY board;

-- name: board
SELECT no, title, question, params, shown FROM board_cards WHERE board = :board ORDER BY no;

-- name: add_board_card
INSERT INTO board_cards (board, title, question, params, shown, made_by, made_at)
VALUES (:board, :title, :question, :params, :shown, :made_by, :now);

-- name: remove_board_card
DELETE FROM board_cards WHERE no = :no;
