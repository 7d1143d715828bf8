use syn::{Error, Ident, LitStr, Path, Result, parenthesized, parse::ParseStream, token::Paren};

use super::cached::list;
use crate::errors::Errors;

/// An item of `depends_on(..)`.
pub(crate) enum Dependency {
    /// `column`
    Column(Ident),
    /// `relation(column, ..)`
    Related { relation: Path, columns: Vec<Ident> },
}

/// Reads what follows the key: `(column, relation(column, ..), ..)`.
pub(super) fn depends_on(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Result<Vec<Dependency>> {
    if !input.peek(Paren) {
        return Err(Error::new(
            key.span(),
            "`depends_on` takes columns and relations in parentheses: `depends_on(first_name, pigeons(weight))`",
        ));
    }
    let content;
    let parentheses = parenthesized!(content in input);
    if content.is_empty() {
        errors.at(
            parentheses.span.join(),
            "`depends_on` names the columns that the calculation reads: `depends_on(first_name, pigeons(weight))`; \
             without any, leave it out",
        );
    }
    Ok(list(&content, errors, dependency).into_iter().flatten().collect())
}

fn dependency(input: ParseStream<'_>, errors: &mut Errors) -> Result<Option<Dependency>> {
    let path = path(input)?;
    if input.peek(Paren) {
        let columns = columns(&path, input, errors)?;
        return Ok((!columns.is_empty()).then_some(Dependency::Related { relation: path, columns }));
    }
    match path.get_ident() {
        Some(column) => Ok(Some(Dependency::Column(column.clone()))),
        None => Err(Error::new_spanned(&path, needs_columns(&path))),
    }
}

fn columns(relation: &Path, input: ParseStream<'_>, errors: &mut Errors) -> Result<Vec<Ident>> {
    let content;
    let parentheses = parenthesized!(content in input);
    if content.is_empty() {
        errors.at(parentheses.span.join(), needs_columns(relation));
    }
    Ok(list(&content, errors, |input, _| column(relation, input)))
}

fn column(relation: &Path, input: ParseStream<'_>) -> Result<Ident> {
    let column = path(input)?;
    let message = if input.peek(Paren) {
        let relation = written(relation);
        format!(
            "a path over several relations is not supported yet: name columns of the model behind `{relation}`, as in \
             `{relation}(weight)`"
        )
    } else if let Some(column) = column.get_ident() {
        return Ok(column.clone());
    } else {
        "a column is written as its name alone, as in `pigeons(weight)`".to_owned()
    };
    Err(Error::new_spanned(column, message))
}

fn path(input: ParseStream<'_>) -> Result<Path> {
    if input.peek(LitStr) {
        let message = "columns and relations are written without quotes: `depends_on(first_name, pigeons(weight))`";
        return Err(input.error(message));
    }
    input.call(Path::parse_mod_style)
}

fn needs_columns(relation: &Path) -> String {
    let relation = written(relation);
    format!("name the columns that the calculation reads behind `{relation}`, as in `{relation}(weight)`")
}

/// A path as its author wrote it.
pub(crate) fn written(path: &Path) -> String {
    let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let start = if path.leading_colon.is_some() { "::" } else { "" };
    format!("{start}{}", names.join("::"))
}
