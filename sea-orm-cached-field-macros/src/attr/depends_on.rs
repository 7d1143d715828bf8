use syn::{
    Error, Ident, LitStr, Path, Result, Token, ext::IdentExt, parenthesized, parse::ParseStream,
    token::Paren,
};

use super::cached::list;
use crate::errors::Errors;

/// An item of `depends_on(..)`.
pub(crate) enum Dependency {
    /// `column`
    Column(Ident),
    /// `*`
    AllColumns(Token![*]),
    /// `relation(..)`
    Related(Related),
}

/// A relation, and what is read behind it: `relation(..)`.
pub(crate) struct Related {
    /// The word before a relation that is followed any number of times.
    pub(crate) recursive: Option<Ident>,
    pub(crate) relation: Path,
    /// The items that are read; only the existence of the rows is, if there are none.
    pub(crate) reads: Vec<Dependency>,
}

/// Reads the items after the key: `(column, relation(column, ..), ..)`.
pub(super) fn depends_on(
    key: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> Result<Vec<Dependency>> {
    if !input.peek(Paren) {
        return Err(Error::new(
            key.span(),
            "`depends_on` takes columns and relations in parentheses: `depends_on(first_name, \
             pigeons(weight))`",
        ));
    }

    let content;
    parenthesized!(content in input);
    Ok(list(&content, errors, dependency))
}

fn dependency(input: ParseStream<'_>, errors: &mut Errors) -> Result<Dependency> {
    if input.peek(Token![*]) {
        return input.parse().map(Dependency::AllColumns);
    }

    let recursive = recursive(input)?;
    let path = path(input)?;
    if input.peek(Paren) {
        let content;
        parenthesized!(content in input);
        let reads = list(&content, errors, dependency);
        return Ok(Dependency::Related(Related { recursive, relation: path, reads }));
    }

    match (recursive, path.get_ident()) {
        (None, Some(column)) => Ok(Dependency::Column(column.clone())),
        _ => Err(Error::new_spanned(&path, needs_parentheses(&path))),
    }
}

/// Reads the word `recursive`, if a relation follows it: a relation may have that name, too.
fn recursive(input: ParseStream<'_>) -> Result<Option<Ident>> {
    if !is_recursive(input) {
        return Ok(None);
    }
    let recursive = input.call(Ident::parse_any)?;
    if is_recursive(input) {
        return Err(
            input.error("a relation can be `recursive` only once: `recursive reports(salary)`")
        );
    }
    Ok(Some(recursive))
}

pub(super) fn is_recursive(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let word = ahead.call(Ident::parse_any);
    word.is_ok_and(|word| word == "recursive")
        && (ahead.peek(Ident::peek_any) || ahead.peek(LitStr))
}

fn path(input: ParseStream<'_>) -> Result<Path> {
    if input.peek(LitStr) {
        let message = "columns and relations are written without quotes: `depends_on(first_name, \
                       pigeons(weight))`";
        return Err(input.error(message));
    }
    input.call(Path::parse_mod_style)
}

fn needs_parentheses(relation: &Path) -> String {
    let relation = written(relation);
    format!(
        "name in parentheses what the calculation reads behind `{relation}`, as in \
         `{relation}(weight)`; `{relation}()` is only which rows there are"
    )
}

/// Returns a path as its author wrote it.
pub(crate) fn written(path: &Path) -> String {
    let names: Vec<String> =
        path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let start = if path.leading_colon.is_some() { "::" } else { "" };
    format!("{start}{}", names.join("::"))
}
