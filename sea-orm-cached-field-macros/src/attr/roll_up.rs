use std::fmt;

use syn::{
    BinOp, Error, Expr, ExprBinary, ExprLit, ExprMethodCall, ExprPath, Ident, Lit, Path, Result,
    Token, UnOp, ext::IdentExt, parenthesized, parse::ParseStream, spanned::Spanned, token::Paren,
};

use super::depends_on::{is_recursive, written};

/// A roll-up of related rows: `sum(albums.tracks.price, where(sold))`.
pub(crate) struct RollUp {
    pub(crate) function: Function,
    /// The name of the function, as it was written.
    pub(crate) name: Ident,
    /// The relations that lead to the rows.
    pub(crate) relations: Vec<Path>,
    /// The column of these rows that is rolled up; `None` if the function is one of the rows alone.
    pub(crate) column: Option<Ident>,
    pub(crate) condition: Option<Condition>,
}

/// The function of a roll-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Count,
    Exists,
    Sum,
    Min,
    Max,
    Avg,
}

/// A condition on the columns of the rows that are rolled up.
pub(crate) enum Condition {
    Compare { column: Ident, comparison: Comparison, with: Operand },
    IsNull(Ident),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

/// An operator between a column and an operand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The right side of a comparison.
pub(crate) enum Operand {
    /// A whole number, as it is written in SQL.
    Whole(String),
    /// A number with a fraction, as it is written in SQL.
    Fraction(String),
    Text(String),
    Truth(bool),
    /// A constant or a variant of an enum.
    Constant(Path),
}

impl Function {
    const ALL: [Self; 6] = [Self::Count, Self::Exists, Self::Sum, Self::Min, Self::Max, Self::Avg];

    /// Returns the function of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Exists => "exists",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
        }
    }

    /// Returns whether the rows alone are rolled up, and no column of them.
    pub(crate) fn is_of_rows(self) -> bool {
        matches!(self, Self::Count | Self::Exists)
    }

    /// Returns whether the value is `None` where there are no rows.
    pub(crate) fn is_optional(self) -> bool {
        matches!(self, Self::Min | Self::Max | Self::Avg)
    }

    fn example(self) -> String {
        let behind = if self.is_of_rows() { "" } else { ".weight" };
        format!("{}(pigeons{behind})", self.name())
    }
}

impl RollUp {
    /// Reads the part after the name: `(albums.tracks.price, where(sold))`.
    pub(super) fn read(name: &Ident, function: Function, input: ParseStream<'_>) -> Result<Self> {
        let example = function.example();
        let wrong = format!("`{name}` takes relations in parentheses: `{example}`");
        if !input.peek(Paren) {
            return Err(Error::new(name.span(), wrong));
        }
        let content;
        parenthesized!(content in input);
        if content.is_empty() {
            return Err(Error::new(name.span(), wrong));
        }

        let mut relations = relations(&content, &example)?;
        let column = match function.is_of_rows() {
            true => None,
            false => Some(column(name, &mut relations, &example)?),
        };
        let condition = condition(&content)?;
        Ok(Self { function, name: name.clone(), relations, column, condition })
    }
}

fn relations(input: ParseStream<'_>, example: &str) -> Result<Vec<Path>> {
    let mut relations = Vec::new();
    loop {
        if is_recursive(input) {
            return Err(input.error(
                "a roll-up follows each relation once: for rows any number of steps away, write \
                 the calculation, with `depends_on(recursive ..)`",
            ));
        }
        if !input.peek(Ident::peek_any) && !input.peek(Token![::]) {
            return Err(input.error(format!("expected a relation, as in `{example}`")));
        }
        relations.push(input.call(Path::parse_mod_style)?);
        if input.peek(Paren) {
            let message = format!("a roll-up is written with dots: `{example}`");
            return Err(input.error(message));
        }
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(relations);
        }
        if !input.peek(Token![.]) {
            return Err(input.error(
                "a roll-up is of one column, or of rows: write what is calculated from several \
                 columns as a `query`",
            ));
        }
        input.parse::<Token![.]>()?;
    }
}

/// Takes the column from the end of the relations.
fn column(name: &Ident, relations: &mut Vec<Path>, example: &str) -> Result<Ident> {
    let last = relations.pop().expect("there is one relation at least");
    let Some(column) = last.get_ident().filter(|_| !relations.is_empty()) else {
        let wrong =
            format!("`{name}` takes a column behind relations, separated by dots: `{example}`");
        return Err(Error::new_spanned(&last, wrong));
    };
    Ok(column.clone())
}

fn condition(input: ParseStream<'_>) -> Result<Option<Condition>> {
    if input.is_empty() {
        return Ok(None);
    }
    input.parse::<Token![,]>()?;
    if input.is_empty() {
        return Ok(None);
    }
    if !input.peek(Token![where]) || !input.peek2(Paren) {
        return Err(input.error(
            "expected `where(..)`, a condition on the rows that are rolled up, as in \
             `count(pigeons, where(alive))`; options stand behind the parentheses",
        ));
    }
    input.parse::<Token![where]>()?;

    let content;
    let parentheses = parenthesized!(content in input);
    if content.is_empty() {
        return Err(Error::new(parentheses.span.join(), ONE_CONDITION));
    }
    let condition = Condition::of(&content.parse()?)?;
    if !content.is_empty() {
        return Err(content.error(ONE_CONDITION));
    }
    let _ = input.parse::<Token![,]>();
    if input.peek(Token![where]) {
        return Err(input.error(ONE_CONDITION));
    }
    if !input.is_empty() {
        return Err(input.error("options stand behind the parentheses of the roll-up"));
    }
    Ok(Some(condition))
}

const ONE_CONDITION: &str = "`where` takes one condition: join several with `&&` or `||`, as in \
                             `where(alive && weight > 5)`";

const A_CONDITION: &str = "a condition is a column that is true or false, as in `alive`, \
                           `column.is_null()`, or a comparison, as in `weight > 5`; they are \
                           joined with `&&`, `||` and `!`";

impl Condition {
    fn of(expression: &Expr) -> Result<Self> {
        let boxed = |expression: &Expr| Self::of(expression).map(Box::new);
        match expression {
            Expr::Paren(inner) => Self::of(&inner.expr),
            Expr::Group(inner) => Self::of(&inner.expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                Ok(Self::Not(boxed(&unary.expr)?))
            }
            Expr::Binary(ExprBinary { left, op, right, .. }) => match op {
                BinOp::And(_) => Ok(Self::And(boxed(left)?, boxed(right)?)),
                BinOp::Or(_) => Ok(Self::Or(boxed(left)?, boxed(right)?)),
                _ => {
                    let comparison = Comparison::of(op)?;
                    let column = compared_column(left)?;
                    Ok(Self::Compare { column, comparison, with: Operand::of(right)? })
                }
            },
            Expr::MethodCall(call) => is_null(call),
            Expr::Path(_) => Ok(Self::Compare {
                column: compared_column(expression)?,
                comparison: Comparison::Equal,
                with: Operand::Truth(true),
            }),
            _ => Err(Error::new_spanned(expression, A_CONDITION)),
        }
    }
}

fn compared_column(expression: &Expr) -> Result<Ident> {
    let wrong = match expression {
        Expr::Path(path) => match path.path.get_ident() {
            Some(column) => return Ok(column.clone()),
            None => "a condition is about columns, which are written as their name alone",
        },
        Expr::Field(_) => {
            "a condition is about columns of the last table, which are written as their name alone"
        }
        Expr::Lit(_) | Expr::Unary(_) => "write the column on the left: `weight > 5`",
        _ => A_CONDITION,
    };
    Err(Error::new_spanned(expression, wrong))
}

fn is_null(call: &ExprMethodCall) -> Result<Condition> {
    let is_alone = call.args.is_empty() && call.turbofish.is_none();
    if call.method == "is_null" && is_alone {
        return Ok(Condition::IsNull(compared_column(&call.receiver)?));
    }
    let method = &call.method;
    let wrong = "a column has the method `is_null()` here, and no other; its negation is \
                 `!column.is_null()`";
    Err(Error::new(method.span(), wrong))
}

impl Comparison {
    fn of(operator: &BinOp) -> Result<Self> {
        match operator {
            BinOp::Eq(_) => Ok(Self::Equal),
            BinOp::Ne(_) => Ok(Self::NotEqual),
            BinOp::Lt(_) => Ok(Self::Less),
            BinOp::Le(_) => Ok(Self::LessOrEqual),
            BinOp::Gt(_) => Ok(Self::Greater),
            BinOp::Ge(_) => Ok(Self::GreaterOrEqual),
            _ => Err(Error::new(
                operator.span(),
                "a condition has the operators `==`, `!=`, `<`, `<=`, `>`, `>=`, `&&`, `||` and \
                 `!`",
            )),
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Operand {
    fn of(expression: &Expr) -> Result<Self> {
        match expression {
            Expr::Group(inner) => Self::of(&inner.expr),
            Expr::Paren(inner) => Self::of(&inner.expr),
            Expr::Lit(literal) => Self::literal(literal, ""),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match &*unary.expr {
                Expr::Lit(literal) if matches!(literal.lit, Lit::Int(_) | Lit::Float(_)) => {
                    Self::literal(literal, "-")
                }
                _ => Err(Self::wrong(expression)),
            },
            Expr::Path(path) if is_like_a_column(&path.path) => Err(Error::new_spanned(
                expression,
                "a column is not compared with another one here: write the calculation as a \
                 `query`",
            )),
            Expr::Path(path) => Self::constant(path),
            Expr::Call(call) if is_option(&call.func) => {
                Err(Error::new_spanned(call, WHETHER_NULL))
            }
            _ => Err(Self::wrong(expression)),
        }
    }

    fn constant(path: &ExprPath) -> Result<Self> {
        if is_option(&Expr::Path(path.clone())) {
            return Err(Error::new_spanned(path, WHETHER_NULL));
        }
        let is_of_self = path.path.segments.first().is_some_and(|first| first.ident == "Self");
        if path.qself.is_some() || is_of_self {
            let wrong = "write the constant without `Self` and without `<..>`: as \
                         `Model::LEAST`, or as a constant of the module";
            return Err(Error::new_spanned(path, wrong));
        }
        Ok(Self::Constant(path.path.clone()))
    }

    fn literal(literal: &ExprLit, sign: &str) -> Result<Self> {
        if !literal.lit.suffix().is_empty() {
            let wrong = "a literal is written without a suffix here: the column has the type";
            return Err(Error::new_spanned(literal, wrong));
        }
        match &literal.lit {
            Lit::Int(number) => Ok(Self::Whole(format!("{sign}{}", number.base10_digits()))),
            Lit::Float(number) => Ok(Self::Fraction(format!("{sign}{}", number.base10_digits()))),
            Lit::Str(text) => Ok(Self::Text(text.value())),
            Lit::Bool(truth) => Ok(Self::Truth(truth.value)),
            _ => Err(Self::wrong(literal)),
        }
    }

    fn wrong(expression: &impl quote::ToTokens) -> Error {
        Error::new_spanned(
            expression,
            "a column is compared with a number, a text, `true`, `false`, a constant or a variant \
             of an enum",
        )
    }
}

const WHETHER_NULL: &str = "whether a column is NULL is written as `column.is_null()`, and as \
                            `!column.is_null()`; another value is written without `Some`";

fn is_option(expression: &Expr) -> bool {
    let Expr::Path(path) = expression else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == "None" || last.ident == "Some")
}

/// Returns whether a path is written as the names of columns are, and constants are not.
fn is_like_a_column(path: &Path) -> bool {
    let name = path.get_ident().map(|name| name.unraw().to_string());
    name.is_some_and(|name| name.starts_with(|first: char| first.is_lowercase() || first == '_'))
}

/// `sum(albums.tracks.price, where(sold && price > 5))`: the same text for the same roll-up,
/// however it is written in the program.
impl fmt::Display for RollUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column.iter().map(|column| column.unraw().to_string());
        let way: Vec<String> = self.relations.iter().map(written).chain(column).collect();
        write!(f, "{}({}", self.function.name(), way.join("."))?;
        if let Some(condition) = &self.condition {
            write!(f, ", where({condition})")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |condition: &Self| match condition {
            Self::Or(..) => format!("({condition})"),
            _ => condition.to_string(),
        };
        match self {
            Self::Compare { column, comparison: Comparison::Equal, with: Operand::Truth(true) } => {
                write!(f, "{}", column.unraw())
            }
            Self::Compare { column, comparison, with } => {
                write!(f, "{} {} {with}", column.unraw(), comparison.symbol())
            }
            Self::IsNull(column) => write!(f, "{}.is_null()", column.unraw()),
            Self::Not(condition) => write!(f, "!({condition})"),
            Self::And(left, right) => write!(f, "{} && {}", part(left), part(right)),
            Self::Or(left, right) => write!(f, "{left} || {right}"),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) | Self::Fraction(number) => f.write_str(number),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Constant(path) => f.write_str(&written(path)),
        }
    }
}
