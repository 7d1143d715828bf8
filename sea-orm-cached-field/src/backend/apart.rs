//! A user's table may have the name of a table that a WITH clause of the library defines. The WITH
//! clause would hide it.
//!
//! The library's statements quote the names of the user, and no others. So the text alone shows
//! which names collide.

/// The text, in which each table of a WITH clause that is called like something quoted has another
/// name.
pub(super) fn apart(text: String) -> String {
    if !text.contains("WITH ") {
        return text;
    }

    let pieces = pieces(&text);
    let quoted = |name: &str| {
        pieces.iter().any(|piece| unquoted(piece).is_some_and(|it| it.eq_ignore_ascii_case(name)))
    };
    let taken =
        |name: &str| quoted(name) || pieces.iter().any(|piece| piece.eq_ignore_ascii_case(name));

    let hiding: Vec<(&str, String)> = tables_of_with(&pieces)
        .into_iter()
        .filter(|name| quoted(name))
        .map(|name| {
            let mut other = format!("{name}_");
            while taken(&other) {
                other.push('_');
            }
            (name, other)
        })
        .collect();
    if hiding.is_empty() {
        return text;
    }

    let renamed = |piece: &&str| {
        hiding.iter().find(|(name, _)| name == piece).map(|(_, other)| other.clone())
    };
    pieces.iter().map(|piece| renamed(piece).unwrap_or_else(|| (*piece).to_owned())).collect()
}

/// The text in pieces: each is something quoted, a word, or a single other character.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            '\'' | '"' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }

    pieces
}

/// The identifier that is quoted here.
fn unquoted(piece: &str) -> Option<&str> {
    ['"', '`'].into_iter().find_map(|mark| piece.strip_prefix(mark)?.strip_suffix(mark))
}

/// The names that `WITH` clauses define: `name AS (`, `name (columns) AS (`, and the same with
/// MATERIALIZED.
fn tables_of_with<'t>(pieces: &[&'t str]) -> Vec<&'t str> {
    let significant: Vec<&str> =
        pieces.iter().copied().filter(|piece| !piece.trim().is_empty()).collect();

    let mut names = Vec::new();
    for (at, name) in significant.iter().enumerate() {
        let mut after = &significant[at + 1..];
        if after.first() == Some(&"(")
            && let Some(end) = after.iter().position(|piece| *piece == ")")
        {
            after = &after[end + 1..];
        }
        let is_defined = matches!(after, ["AS", "(", ..] | ["AS", "MATERIALIZED", "(", ..]);
        if is_defined && name.starts_with(|c: char| c.is_lowercase()) {
            names.push(*name);
        }
    }

    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_hide_a_table_has_another_name() {
        let text = r#"
            WITH v (key_1) AS (VALUES ($1)),
                 gone AS MATERIALIZED (SELECT 'v' FROM "v" t),
                 k AS (SELECT v.x FROM v, "v_")
            SELECT k.v, 1 AS v
              FROM k"#;
        let expected = r#"
            WITH v__ (key_1) AS (VALUES ($1)),
                 gone AS MATERIALIZED (SELECT 'v' FROM "v" t),
                 k AS (SELECT v__.x FROM v__, "v_")
            SELECT k.v__, 1 AS v__
              FROM k"#;

        assert_eq!(apart(text.to_owned()), expected);
        assert_eq!(apart(text.replace("\"v\"", "`V`")), expected.replace("\"v\"", "`V`"));

        let unlike = text.replace("\"v\"", "\"vv\"");
        assert_eq!(apart(unlike.clone()), unlike);
    }
}
