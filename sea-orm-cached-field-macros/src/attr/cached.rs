use std::time::Duration;

use proc_macro2::{Span, TokenTree};
use syn::{
    Attribute, Error, Ident, LitInt, LitStr, Meta, Result, Token,
    ext::IdentExt,
    parenthesized,
    parse::{ParseStream, Parser},
    spanned::Spanned,
    token::Paren,
};

use super::{
    depends_on::{Dependency, depends_on as read_depends_on},
    roll_up::{Function, RollUp},
};
use crate::errors::Errors;

const KEYS: &str = "`depends_on(..)`, `temporal_triggers`, `expires_every = \"..\"`, \
                    `calculation_method_name = \"..\"`, `cached_field_name = \"..\"`, \
                    `recalculation_needed_field_name = \"..\"`, `expiration_field_name = \"..\"`, \
                    `expiration_time_zone = \"..\"`, `db_index_on_recalculation_needed_field`, \
                    `after_recalculation = \"..\"`, `flagging = \"..\"`, `debounce = \"..\"`, \
                    `version = ..`, `attributes(..)`, `lazy`, `blocking`, `batch`, `query`, \
                    `recursive`, and the roll-ups `count(..)`, `exists(..)`, `sum(..)`, \
                    `min(..)`, `max(..)` and `avg(..)`";

/// The options that `#[cached(..)]` gives a field.
#[derive(Default)]
pub(crate) struct Options {
    /// The keys of all options that are given.
    pub(crate) given: Vec<Ident>,
    /// The dependencies; `None` if the option is not given.
    pub(crate) depends_on: Option<Vec<Dependency>>,
    pub(crate) temporal_triggers: bool,
    pub(crate) expires_every: Option<Duration>,
    pub(crate) calculation_method_name: Option<Ident>,
    pub(crate) cached_field_name: Option<Ident>,
    pub(crate) recalculation_needed_field_name: Option<Ident>,
    pub(crate) expiration_field_name: Option<Ident>,
    /// The time zone of the expiry, if its column has none.
    pub(crate) expiration_time_zone: Option<LitStr>,
    /// The user's hook that is called after each recalculation.
    pub(crate) after_recalculation: Option<Ident>,
    pub(crate) flagging: Option<Flagging>,
    /// Whether the flag's column is indexed.
    pub(crate) index_flag: bool,
    pub(crate) debounce: Option<Duration>,
    pub(crate) version: u32,
    /// The attributes of the columns beside the value: the flag and the expiry.
    pub(crate) attributes: Vec<Meta>,
    /// Whether only readers recalculate.
    pub(crate) lazy: bool,
    /// Whether the calculation keeps a thread busy.
    pub(crate) blocking: bool,
    /// Whether many rows are calculated at a time.
    pub(crate) batch: bool,
    /// Whether many rows are calculated at a time, by a query of the user.
    pub(crate) query: bool,
    /// Whether the field is calculated from the same field of other rows.
    pub(crate) recursive: bool,
    /// Whether the calculation is a roll-up of related rows.
    pub(crate) is_rolled_up: bool,
    /// The roll-up, if it could be read. A wrong one is dropped, and no code is generated for it.
    pub(crate) roll_up: Option<RollUp>,
}

/// The moment at which a change of a related row sets the owner's flag.
#[derive(Clone, Copy)]
pub(crate) enum Flagging {
    Commit,
    Collector,
}

impl Options {
    /// Reads the attribute. Mistakes go to `errors`, and the rest is still read.
    pub(crate) fn of(attribute: &Attribute, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        match &attribute.meta {
            Meta::Path(_) => {}
            Meta::NameValue(meta) => errors.at(
                meta.eq_token.span(),
                "`#[cached]` takes its options in parentheses: `#[cached(depends_on(first_name))]`",
            ),
            Meta::List(meta) => {
                let key =
                    |input: ParseStream<'_>, errors: &mut Errors| options.read_key(input, errors);
                // The list accepts any tokens, so this cannot fail.
                let _ = (|input: ParseStream<'_>| Ok(list(input, errors, key)))
                    .parse2(meta.tokens.clone());
            }
        }

        options
    }

    /// Returns the key of an option, if it is given.
    pub(crate) fn key(&self, name: &str) -> Option<&Ident> {
        self.given.iter().find(|key| *key == name)
    }

    fn read_key(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> Result<()> {
        let Ok(key) = input.call(Ident::parse_any) else {
            return Err(input.error(format!("expected an option of `#[cached]`: it has {KEYS}")));
        };

        if self.given.contains(&key) {
            return Err(Error::new(
                key.span(),
                format!("`{key}` is given twice: keep one of them"),
            ));
        }

        self.given.push(key.clone());
        self.read(&key, input, errors)
    }

    fn read(&mut self, key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Result<()> {
        match key.to_string().as_str() {
            "depends_on" => {
                let depends_on = self.depends_on.insert(Vec::new());
                *depends_on = read_depends_on(key, input, errors)?;
            }
            "temporal_triggers" => {
                self.temporal_triggers = true;
                no_value(key, input)?;
            }
            "expires_every" => {
                self.temporal_triggers = true;
                self.expires_every = Some(time(key, input, "30m", SHORTEST_EXPIRY)?);
            }
            "calculation_method_name" => self.calculation_method_name = Some(name(key, input)?),
            "cached_field_name" => self.cached_field_name = Some(name(key, input)?),
            "recalculation_needed_field_name" => {
                self.recalculation_needed_field_name = Some(name(key, input)?)
            }
            "expiration_field_name" => self.expiration_field_name = Some(name(key, input)?),
            "expiration_time_zone" => self.expiration_time_zone = Some(time_zone(key, input)?),
            "after_recalculation" => self.after_recalculation = Some(name(key, input)?),
            "flagging" => self.flagging = Some(flagging(key, input)?),
            "db_index_on_recalculation_needed_field" => {
                self.index_flag = true;
                no_value(key, input)?;
            }
            "debounce" => {
                self.debounce = Some(time(key, input, "5s", SHORTEST_DEBOUNCE)?);
            }
            "version" => self.version = version(key, input)?,
            "attributes" => self.attributes = attributes(key, input, errors)?,
            "lazy" => {
                self.lazy = true;
                no_value(key, input)?;
            }
            "blocking" => {
                self.blocking = true;
                no_value(key, input)?;
            }
            "batch" => {
                self.batch = true;
                no_value(key, input)?;
            }
            "query" => {
                self.query = true;
                no_value(key, input)?;
            }
            "recursive" => {
                self.recursive = true;
                no_value(key, input)?;
            }
            name => {
                let function = Function::named(name).ok_or_else(|| {
                    let wrong = format!("`#[cached]` has no option `{key}`: it has {KEYS}");
                    Error::new(key.span(), wrong)
                })?;
                self.is_rolled_up = true;
                let roll_up = RollUp::read(key, function, input)?;
                if let Some(other) = self.roll_up.replace(roll_up) {
                    return Err(two_roll_ups(key, &other));
                }
            }
        }

        Ok(())
    }
}

/// Reads a list to its end. An item that cannot be read becomes an error, and the next item is
/// read.
pub(super) fn list<T>(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut item: impl FnMut(ParseStream<'_>, &mut Errors) -> Result<T>,
) -> Vec<T> {
    let mut items = Vec::new();
    while !input.is_empty() {
        match item(input, errors) {
            Ok(item) if input.is_empty() || input.peek(Token![,]) => items.push(item),
            Ok(_) => errors.push(input.error("expected `,`")),
            Err(error) => errors.push(error),
        }
        while !input.is_empty() && input.parse::<Token![,]>().is_err() {
            let _ = input.parse::<TokenTree>();
        }
    }

    items
}

fn two_roll_ups(key: &Ident, other: &RollUp) -> Error {
    let message = format!(
        "a field is one roll-up, and this one is a `{}` already: give each a field of its own",
        other.name
    );
    Error::new(key.span(), message)
}

fn no_value(key: &Ident, input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(Error::new(key.span(), format!("`{key}` takes no value: write `#[cached({key})]`")))
}

fn name(key: &Ident, input: ParseStream<'_>) -> Result<Ident> {
    let value = string(key, input, &format!("{key} = \"a_name\""))?;
    let wrong = format!("`{}` is not a name in Rust: `{key} = \"a_name\"`", value.value());
    value.parse().map_err(|_| Error::new(value.span(), wrong))
}

/// A row that expires all the time would be recalculated all the time.
const SHORTEST_EXPIRY: Duration = Duration::from_secs(1);

const SHORTEST_DEBOUNCE: Duration = Duration::from_millis(1);

fn time(
    key: &Ident,
    input: ParseStream<'_>,
    example: &str,
    shortest: Duration,
) -> Result<Duration> {
    let example = format!("{key} = \"{example}\"");
    let value = string(key, input, &example)?;

    match humantime::parse_duration(&value.value()) {
        Ok(time) if time >= shortest => Ok(time),
        Ok(_) => {
            let wrong =
                format!("`{key}` is at least `\"{}\"`", humantime::format_duration(shortest));
            Err(Error::new(value.span(), wrong))
        }
        Err(error) => {
            let wrong =
                format!("`{key}` takes a time, such as `{example}` or `\"1h 30m\"`: {error}");
            Err(Error::new(value.span(), wrong))
        }
    }
}

fn time_zone(key: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    let example = format!("{key} = \"Europe/Berlin\"");
    let value = string(key, input, &example)?;
    is_time_zone(&value.value()).map_err(|wrong| Error::new(value.span(), wrong))?;
    Ok(value)
}

#[cfg(feature = "time-zones")]
fn is_time_zone(name: &str) -> std::result::Result<(), String> {
    let wrong = format!(
        "`{name}` is no time zone of the IANA database: `expiration_time_zone = \"Europe/Berlin\"`"
    );
    name.parse::<chrono_tz::Tz>().map(|_| ()).map_err(|_| wrong)
}

#[cfg(not(feature = "time-zones"))]
fn is_time_zone(_: &str) -> std::result::Result<(), String> {
    Err("time zones need the feature `time-zones` of `sea-orm-cached-field`: enable it in \
         Cargo.toml"
        .to_owned())
}

fn attributes(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Result<Vec<Meta>> {
    let wrong = "`attributes` takes what stands on the flag and on the expiry, in parentheses: \
                 `attributes(serde(skip))`";
    if !input.peek(Paren) {
        return Err(Error::new(key.span(), wrong));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        return Err(Error::new(key.span(), wrong));
    }
    Ok(list(&content, errors, |input, _| input.parse()))
}

fn version(key: &Ident, input: ParseStream<'_>) -> Result<u32> {
    let wrong =
        |span: Span| Error::new(span, format!("`{key}` takes a number, 1 or more: `{key} = 2`"));
    if !input.peek(Token![=]) {
        return Err(wrong(key.span()));
    }
    input.parse::<Token![=]>()?;
    let span = input.span();
    let version = input
        .parse::<LitInt>()
        .and_then(|version| version.base10_parse::<i32>())
        .map_err(|_| wrong(span))?;
    u32::try_from(version).ok().filter(|version| *version > 0).ok_or_else(|| wrong(span))
}

fn flagging(key: &Ident, input: ParseStream<'_>) -> Result<Flagging> {
    let value = string(key, input, "flagging = \"collector\"")?;
    match value.value().as_str() {
        "commit" => Ok(Flagging::Commit),
        "collector" => Ok(Flagging::Collector),
        _ => Err(Error::new(
            value.span(),
            "`flagging` is `\"commit\"` (the default: the flag is set when the change commits) or \
             `\"collector\"` (the worker sets it)",
        )),
    }
}

fn string(key: &Ident, input: ParseStream<'_>, example: &str) -> Result<LitStr> {
    let wrong = |span: Span| Error::new(span, format!("`{key}` takes a string: `{example}`"));
    if !input.peek(Token![=]) {
        return Err(wrong(key.span()));
    }
    input.parse::<Token![=]>()?;
    let value = input.span();
    input.parse().map_err(|_| wrong(value))
}
