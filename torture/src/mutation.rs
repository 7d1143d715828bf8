//! Holes that are made in the code on purpose, to prove that the observer would see them.

use std::{collections::BTreeMap, env, sync::LazyLock};

use sea_orm::DbBackend;

use crate::reader::VIOLATION;

/// The variable that the library reads if it is built with the feature `__mutations`. It holds
/// replacements of SQL text, one a line. Each is a regular expression, ` => `, and the new text.
const REPLACEMENTS: &str = "CACHED_FIELD_MUTATION";

/// The beginning of a line that reports a replacement that has replaced something.
pub(crate) const REPLACED: &str = "replaced: ";

const READS_BEFORE_THE_CLAIM: &str = "TORTURE_READS_BEFORE_THE_CLAIM";
const COMMITS_WHAT_IS_TO_BE_ROLLED_BACK: &str = "TORTURE_COMMITS_CANARIES";

/// A hole, and what makes it on each database. It is empty where there cannot be such a hole.
pub(crate) struct Mutation {
    pub(crate) name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    mysql: &'static str,
    /// Whether it breaks I2, which is seen in the server's log, and no other invariant.
    pub(crate) is_in_the_way: bool,
    /// Whether it breaks I8, which only readers see.
    pub(crate) is_of_reads: bool,
    /// Another variable, for holes that are not in SQL.
    variable: Option<&'static str>,
}

const NONE: Mutation = Mutation {
    name: "",
    sqlite: "",
    postgres: "",
    mysql: "",
    is_in_the_way: false,
    is_of_reads: false,
    variable: None,
};

/// Repeats it as often as a trigger names the row as it was.
macro_rules! eight_times {
    ($line:literal) => {
        concat!(
            $line, "\n", $line, "\n", $line, "\n", $line, "\n", $line, "\n", $line, "\n", $line,
            "\n", $line
        )
    };
}

pub(crate) const ALL: &[Mutation] = &[
    Mutation {
        name: "a completion that does not look at the generation",
        sqlite: r" AND q\.generation = c\.generation => ",
        postgres: r"l\.current = l\.generation AND => l.current IS NOT NULL AND
AS held, q\.generation, => AS held, c.generation,
 AND r\.generation = c\.generation => ",
        ..NONE
    },
    Mutation {
        name: "a generation that stays when a row is marked again",
        sqlite: r"generation = excluded\.generation => generation = q.generation",
        postgres: r"generation = excluded\.generation => generation = q.generation",
        mysql: r"generation = VALUES\(generation\) => generation = generation",
        ..NONE
    },
    Mutation {
        name: "generations that repeat",
        sqlite: r"abs\(random\(\) / 2\) \+ 1 => 1",
        postgres: r"max\(id\) AS generation => CAST(1 AS bigint) AS generation",
        ..NONE
    },
    Mutation {
        name: "a mark that is left out where the flag is set already",
        sqlite: r#"WHEN NEW\.("f\d_recalculation_needed") AND => WHEN NEW.$1 AND NOT OLD.$1 AND
WHERE f\.list <> '' AND => WHERE false AND"#,
        ..NONE
    },
    Mutation {
        name: "a mark that lists the first of its fields alone",
        sqlite: r"THEN ',f\d' => THEN ',f0'",
        postgres: r"'(f\d),[f\d,]+' => '$1'",
        mysql: r"'(f\d),[f\d,]+' => '$1'",
        ..NONE
    },
    Mutation {
        name: "a mark that stands for fields that it does not list",
        sqlite: r" AND m\.field = '[^']+' AND m\.eager =>  AND m.eager",
        ..NONE
    },
    Mutation {
        name: "inputs that are read before the claim",
        variable: Some(READS_BEFORE_THE_CLAIM),
        ..NONE
    },
    Mutation {
        name: "a late completion that stores what another worker has completed",
        postgres: r"v\.held AND v\.current IS NOT NULL => v.held",
        ..NONE
    },
    Mutation {
        name: "no guard against those who end a flag",
        sqlite: r"WHEN NOT NEW\. => WHEN false AND NOT NEW.",
        postgres: r#"\(NOT NEW\.("\w+") AND \(OLD => (false AND NOT NEW.$1 AND (OLD"#,
        mysql: r"ELSEIF cached_field_foreign AND => ELSEIF FALSE AND",
        ..NONE
    },
    Mutation {
        name: "rows that leave without a word",
        sqlite: eight_times!(r"(?s)(AFTER UPDATE OF.*? BEGIN.*?)(= |SELECT )OLD\. => $1$2 NEW."),
        postgres: r"IS NOT NULL AND ROW\( => IS NOT NULL AND false AND ROW(",
        mysql: eight_times!(r"(?s)(AFTER UPDATE ON.*?)IF OLD\. => $1 IF FALSE AND OLD."),
        ..NONE
    },
    Mutation {
        name: "a user's column that is written, too",
        sqlite: r#"SET "cached_f(\d)" => SET "turns" = "turns" + 1, "cached_f$1""#,
        postgres: r#"SET "cached_f(\d)" => SET "turns" = t."turns" + 1, "cached_f$1""#,
        mysql: r"SET (t\.)?`cached_f(\d)` => SET $1`turns` = $1`turns` + 1, $1`cached_f$2`",
        ..NONE
    },
    Mutation {
        name: "a trigger that waits for those who hold an owner locked",
        postgres: r#"(t\."f\d_recalculation_needed"\)?)\s+FOR NO KEY UPDATE SKIP LOCKED => $1 FOR NO KEY UPDATE"#,
        is_in_the_way: true,
        ..NONE
    },
    Mutation {
        name: "a trigger that locks the gap that marks are appended to",
        mysql: r"(?m)^ +INSERT INTO (\S+_cached_marks`) \( => UPDATE $1 SET field = field WHERE id > 9000000000000000000; INSERT INTO $1 (",
        is_in_the_way: true,
        ..NONE
    },
    Mutation {
        name: "a fresh read from cached fields as they are stored",
        sqlite: r#"\) AND \((t\."f\d_recalculation_needed" OR ) => ) AND false AND ($1"#,
        postgres: r#"\) t\s+WHERE \((t\."f\d_recalculation_needed" OR ) => ) t WHERE false AND ($1"#,
        mysql: r"WHERE \((t\.`f\d_recalculation_needed` OR ) => WHERE FALSE AND ($1",
        is_of_reads: true,
        ..NONE
    },
    Mutation {
        name: "a fresh read that looks at the flag alone",
        postgres: r#"(?s)\((t\."f\d_recalculation_needed") OR .*\) AS stale => ($1) AS stale"#,
        mysql: r"(?s)\((t\.`f\d_recalculation_needed`) OR .*\) AS stale => ($1) AS stale",
        is_of_reads: true,
        ..NONE
    },
    Mutation {
        name: "changes that were to be rolled back",
        variable: Some(COMMITS_WHAT_IS_TO_BE_ROLLED_BACK),
        ..NONE
    },
];

impl Mutation {
    pub(crate) fn replacements(&self, backend: DbBackend) -> &'static str {
        match backend {
            DbBackend::Sqlite => self.sqlite,
            DbBackend::MySql => self.mysql,
            _ => self.postgres,
        }
    }

    /// Returns the replacements that have replaced nothing, by the output of the processes. The
    /// code has changed, so there was no hole to be found.
    pub(crate) fn unmatched(
        &self,
        backend: DbBackend,
        said: &BTreeMap<String, u64>,
    ) -> Vec<&'static str> {
        let lines = self.replacements(backend).lines();
        lines.filter(|line| !said.contains_key(&format!("{REPLACED}{line}"))).collect()
    }

    /// Returns whether such a violation shows the hole.
    pub(crate) fn breaks(&self, violation: &str) -> bool {
        violation.starts_with("I2") == self.is_in_the_way
            && violation.starts_with(VIOLATION) == self.is_of_reads
    }

    /// Returns whether there is such a hole on this database.
    pub(crate) fn exists_on(&self, backend: DbBackend) -> bool {
        self.variable.is_some() || !self.replacements(backend).is_empty()
    }

    /// Returns the environment of a process that is to have the hole.
    pub(crate) fn environment(&self, backend: DbBackend) -> (&'static str, &'static str) {
        self.variable.map_or((REPLACEMENTS, self.replacements(backend)), |variable| (variable, "1"))
    }
}

pub(crate) fn reads_before_the_claim() -> bool {
    static IS_SET: LazyLock<bool> = LazyLock::new(|| env::var_os(READS_BEFORE_THE_CLAIM).is_some());
    *IS_SET
}

pub(crate) fn commits_what_is_to_be_rolled_back() -> bool {
    env::var_os(COMMITS_WHAT_IS_TO_BE_ROLLED_BACK).is_some()
}
