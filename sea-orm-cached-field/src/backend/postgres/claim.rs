//! Claiming: what is due, and the lease on it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

use super::{DIALECT, NOW, as_expiry, collect::place_in_queue, functions, names, statement, way};
#[cfg(test)]
use crate::backend::example::{Example, Named, named};
use crate::{
    backend::{names::All, operations::Transactions, shared, sql::Sql},
    declaration::Key,
    layout::{Owner, Upstream},
    queue::Claim,
};

/// The plans that are left go by keys: the tables look tiny whenever they were last empty.
/// `lock_timeout` is a last resort: `SKIP LOCKED` itself can wait for the newer version of a row. A
/// worker that is frozen or cut off in the middle of a transaction must not keep users from its
/// rows for long. No transaction waits for the disk: what a crash takes of the last moment is found
/// stale again, for it goes as a whole.
const SETTINGS: [(&str, &str); 8] = [
    ("synchronous_commit", "off"),
    ("lock_timeout", "100ms"),
    ("idle_in_transaction_session_timeout", "2s"),
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

/// How a worker's own sessions are set, so that its transactions need not be.
pub(crate) struct SessionSettings {
    /// Names and values.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
    /// A query of whether they are set: a row `stands` (bool).
    check: Statement,
}

impl SessionSettings {
    /// Whether they are set, which a proxy may have prevented.
    pub(crate) async fn stands(&self, db: &DatabaseConnection) -> Result<bool, DbErr> {
        let stands = db.query_one_raw(self.check.clone()).await?;
        stands.map_or(Ok(false), |row| row.try_get("", "stands"))
    }
}

/// What a transaction sets for itself. That of a worker's own session needs only to make its writes
/// foreign ones.
pub(crate) fn settings(transactions: Transactions) -> Option<String> {
    let Transactions { of_own_session, internal, writes } = transactions;
    let tells_apart = format!(
        "SET LOCAL cached_field.internal = {internal}",
        internal = if internal { "on" } else { "off" }
    );
    if of_own_session {
        return (!internal).then_some(tells_apart);
    }

    let settings = settings_to_read();
    let mode = if writes { " READ WRITE" } else { "" };
    Some(format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED{mode};
         {settings};
         {tells_apart}"
    ))
}

/// What a transaction sets that only reads.
pub(crate) fn settings_to_read() -> String {
    SETTINGS.map(|(name, value)| format!("SET LOCAL {name} = '{value}'")).join("; ")
}

/// The same for the whole of a session.
pub(crate) fn session() -> SessionSettings {
    let mut settings = SETTINGS.to_vec();
    settings.extend([
        ("default_transaction_isolation", "read committed"),
        ("default_transaction_read_only", "off"),
        ("cached_field.internal", "on"),
    ]);

    let stands = |(name, value): &(&str, &str)| {
        let (name, value) = (DIALECT.literal(name), DIALECT.literal(value));
        format!("current_setting({name}, true) = {value}")
    };
    let check = settings.iter().map(stands).collect::<All>();
    let check = statement(Sql::postgres(), format!("SELECT {check} AS stands"));
    SessionSettings { settings, check }
}

/// What the transaction of [`lease_due`] sets: paths go through the user's tables, which may have
/// grown since a plan was made.
pub(super) const PLAN_ANEW: &str = "SET LOCAL plan_cache_mode = force_custom_plan";

pub(crate) fn work(owner: &Owner, fields: &[usize]) -> Statement {
    let names = names(owner).fields(fields.iter().copied());
    let function = functions::function(owner, "work");
    let text = format!("SELECT work, wait FROM {function}(ARRAY[{names}])");
    statement(Sql::postgres(), text)
}

pub(crate) fn oldest(owner: &Owner, fields: &[usize]) -> Statement {
    let names = names(owner);
    let marks = names.marks();
    let queue = names.queue();
    let known = names.one_of(fields);
    let marks_known = names.lists_any("field", fields);

    let mut moments = vec![
        format!("SELECT min(marked_at) AS moment FROM {marks} WHERE {marks_known}"),
        format!(
            "SELECT min(greatest(due_at, leased_until, queued_at))
               FROM {queue}
              WHERE {known}
                AND due_at <= now()
                AND leased_until <= now()"
        ),
    ];

    moments.extend(fields.iter().map(|field| &owner.fields[*field]).filter_map(|field| {
        let expires = DIALECT.expiry(field)?;
        let flag = DIALECT.flag(field);
        // An expiry may be infinite.
        Some(format!(
            "SELECT min({moment})
               FROM {table}
              WHERE {expires} <= {now}
                AND {expires} > '-infinity'
                AND NOT {flag}",
            moment = as_expiry(field, &expires),
            table = names.table(),
            now = as_expiry(field, "now()"),
        ))
    }));

    let text = format!(
        "SELECT CAST(extract(epoch FROM now() - min(s.moment)) * 1000 AS bigint) AS waited,
                EXISTS (SELECT FROM {queue} WHERE leased_until > now()) AS leased
           FROM ({moments}) s",
        moments = moments.join("\n              UNION ALL\n             "),
    );

    statement(Sql::postgres(), text)
}

/// Rows whose key is still marked are left alone: they come with their marks. Only so many of the
/// oldest are looked at as could be taken, and some more, for all of them may have to wait.
pub(super) fn lease_due(
    owner: &Owner,
    fields: &[usize],
    upstream: &[Upstream],
    rows: u64,
    lease: i64,
    patience: i64,
) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let queue = names.queue();
    let lease = sql.bind(lease);
    let limit = sql.bind(rows as i64);
    let looked_at = sql.bind(rows as i64 * shared::claim::LOOKED_AT);
    let patience = sql.bind(patience);
    let due_columns = names.keys().and(["due_at"]);
    let waits: String = upstream.iter().map(|upstream| waits(owner, upstream, &patience)).collect();

    let text = format!(
        "UPDATE {queue} q
            SET leased_until = now() + {lease} * interval '1 millisecond',
                attempts = q.attempts + 1,
                waves = abs(q.waves)
          WHERE q.ctid = ANY (ARRAY(
                SELECT f.ctid
                  FROM (SELECT DISTINCT {of_oldest}
                          FROM (SELECT {of_due}
                                  FROM (SELECT *
                                          FROM {queue} e
                                         WHERE {known}
                                           AND e.due_at <= now()
                                           AND e.leased_until <= now()
                                         ORDER BY e.due_at
                                         LIMIT {looked_at}) d
                                 WHERE NOT EXISTS (
                                       SELECT
                                         FROM {marks} m
                                        WHERE {marked}
                                          AND {marks_known}
                                       OFFSET 0){waits}
                                 ORDER BY d.due_at
                                 LIMIT {limit}) o) k,
                       LATERAL (SELECT d.ctid
                                  FROM {queue} d
                                 WHERE {same_key}
                                   AND {known}
                                   AND d.due_at <= now()
                                   AND d.leased_until <= now(){waits}
                                   FOR UPDATE SKIP LOCKED) f))
         RETURNING {returned}, q.field, q.generation, q.attempts, q.waves,
                {NOW} AS claimed_at,
                {since} AS stale_since",
        since = DIALECT.milliseconds("q.stale_since"),
        of_oldest = names.keys_of("o"),
        of_due = due_columns.of("d"),
        marks = names.marks(),
        known = names.one_of(fields),
        marked = names.same_key("m", "d"),
        marks_known = names.lists_known("m.field"),
        same_key = names.same_key("d", "k"),
        returned = names.read_keys_of("q"),
    );

    statement(sql, text)
}

/// ` AND NOT ..`: whether the queue's row `d` waits for fields that it is calculated from.
fn waits(owner: &Owner, upstream: &Upstream, patience: &str) -> String {
    let far = names(&upstream.owner);
    let names = names(owner);
    let fields = DIALECT.literals(upstream.fields.iter().copied());
    let listed = DIALECT.lists_any("p.field", upstream.fields.iter().copied());
    let queue = far.queue();

    // What was handed back a moment ago is pending too.
    let pending = format!(
        "p.field || '' IN ({fields})
                     AND p.due_at <= now() + interval '100 milliseconds'"
    );
    let pending = match &upstream.source {
        None => format!(
            "EXISTS (
                  SELECT
                    FROM {queue} p
                   WHERE {same_key}
                     AND {pending}
                  OFFSET 0)",
            same_key = far.same_key("p", "d"),
        ),
        Some(source) => {
            let (rows, row) = way::rows_of(source);
            let table = names.table();
            let from = format!(
                "FROM {table} t
                   CROSS JOIN LATERAL (SELECT {row}.* FROM {rows}) s"
            );
            let of_row = names.same_row("t", "d");
            format!(
                "(EXISTS (
                  SELECT
                    {from}
                    JOIN {queue} p ON {queued}
                   WHERE {of_row}
                     AND {pending}
                  OFFSET 0)
               OR EXISTS (
                  SELECT
                    {from}
                    JOIN {marks} p ON {queued}
                   WHERE {of_row}
                     AND {listed}
                  OFFSET 0))",
                queued = far.is_of("p", "s"),
                marks = far.marks(),
            )
        }
    };

    format!(
        "
               AND NOT (d.field || '' = {field}
               AND d.queued_at > now() - {patience} * interval '1 millisecond'
               AND {pending})",
        field = names.field(upstream.field),
    )
}

/// In the order of the keys, so that two who lease the same rows do not wait for each other in a
/// circle.
pub(crate) fn lease_rows(
    owner: &Owner,
    field: usize,
    of: &[Key],
    lease: i64,
    steal: bool,
) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let marks = names.marks();
    let queue = names.queue();
    let held = if steal { "false" } else { "q.leased_until > now()" };
    let generation = if steal { "excluded.generation" } else { "q.generation" };
    let rows = shared::read::keys(&mut sql, owner, of);
    let name = sql.bind(owner.fields[field].name);
    let lease = sql.bind(lease);
    let lease_end = format!("now() + {lease} * interval '1 millisecond'");

    let text = format!(
        "WITH {rows}
         INSERT INTO {queue} AS q ({columns}, field, generation, due_at, leased_until, attempts)
         SELECT {selected}, {name}, nextval(pg_get_serial_sequence({sequence}, 'id')),
                now(), {lease_end}, 1
           FROM k
          ORDER BY {selected}
         ON CONFLICT ({columns}, field) DO UPDATE SET
                generation = {generation},
                attempts = CASE WHEN {held} THEN q.attempts ELSE q.attempts + 1 END,
                waves = CASE WHEN {held} THEN q.waves ELSE abs(q.waves) END,
                leased_until = CASE WHEN {held} THEN q.leased_until
                     ELSE excluded.leased_until END
         RETURNING {returned}, q.field, q.generation, q.attempts, q.waves,
                {NOW} AS claimed_at,
                {since} AS stale_since,
                q.leased_until = {lease_end} AS leased",
        since = DIALECT.milliseconds("q.stale_since"),
        columns = names.keys(),
        selected = names.keys_of("k"),
        sequence = DIALECT.literal(&marks),
        returned = names.read_keys_of("q"),
    );

    statement(sql, text)
}

pub(crate) fn renew_leases(owner: &Owner, claims: &[Claim], lease: i64) -> Statement {
    let mut sql = Sql::postgres();
    let names = names(owner);
    let claimed = shared::collect::claimed(&mut sql, owner, claims);
    let held = "AND r.leased_until > now()
                   AND r.waves >= 0
                   FOR UPDATE SKIP LOCKED";

    let text = format!(
        "WITH {claimed}
         UPDATE {queue} q
            SET leased_until = now() + {lease} * interval '1 millisecond'
           FROM claimed c, {place}
          WHERE q.ctid = p.place",
        queue = names.queue(),
        lease = sql.bind(lease),
        place = place_in_queue(owner, "c", held),
    );

    statement(sql, text)
}

#[cfg(test)]
pub(crate) fn examples(of: &Example) -> Vec<Named> {
    let owner = &of.owner;
    [
        named("work", work(owner, &[0])),
        named("renew_leases", renew_leases(owner, &of.claims, 1000)),
        named("lease_rows", lease_rows(owner, 0, &of.keys, 1000, false)),
        named("oldest", oldest(owner, &[0])),
        named("lease_due", lease_due(owner, &[0], &of.upstream, 100, 1000, 5000)),
    ]
    .concat()
}
