//! The queries of roll-ups.

use sea_orm::{
    ColumnType, JoinType,
    sea_query::{Alias, Expr, ExprTrait, Func, IntoTableRef, Query, SelectStatement, TableRef},
};

use crate::{
    declaration::{Function, Hop, ROWS, RollUp, is_float},
    layout::Owner,
};

/// The name of the owner's table in the query.
const OWNER: &str = "owner";

/// The key of each row of the owner, and its value for a column of this type.
///
/// The value is a subquery in the select list, and the key is a plain column. So planners take the
/// condition on the keys, which comes from outside, into the query. No GROUP BY is in the way.
pub(super) fn select(owner: &Owner, roll_up: &RollUp, kind: &ColumnType) -> SelectStatement {
    let key = owner.key.iter().map(|key| column(OWNER, &key.name));
    Query::select()
        .exprs(key)
        .expr(value(roll_up, kind))
        .from_as(table(&owner.table.schema, &owner.table.name), Alias::new(OWNER))
        .take()
}

fn column(table: &str, column: &str) -> Expr {
    Expr::col((Alias::new(table), Alias::new(column)))
}

fn table(schema: &Option<String>, name: &str) -> TableRef {
    let name = Alias::new(name);
    match schema {
        Some(schema) => (Alias::new(schema), name).into_table_ref(),
        None => name.into_table_ref(),
    }
}

fn value(roll_up: &RollUp, kind: &ColumnType) -> Expr {
    let Some(rolled_up) = &roll_up.column else {
        return match roll_up.function {
            Function::Exists => Expr::exists(rows(roll_up, Expr::cust("1"))),
            _ => of_rows(roll_up, Expr::cust("count(*)")),
        };
    };

    let column = column(ROWS, &rolled_up.name);
    // Sums and means have more digits if they are ones of numbers with more digits.
    let widened = match factor(roll_up, kind) {
        Some(one) => column.clone().mul(Expr::cust(one)),
        None => column.clone(),
    };
    match roll_up.function {
        Function::Min => of_rows(roll_up, Func::min(column).into()),
        Function::Max => of_rows(roll_up, Func::max(column).into()),
        Function::Avg => of_rows(roll_up, Func::avg(widened).into()),
        _ => {
            let sum = of_rows(roll_up, Func::sum(widened).into());
            Func::coalesce([sum, Expr::cust("0")]).into()
        }
    }
}

/// A 1 with the digits that sums and means need. PostgreSQL sums up `real` as such, and MySQL gives
/// the mean of whole numbers four digits after the point.
fn factor(roll_up: &RollUp, value: &ColumnType) -> Option<String> {
    let column = roll_up.column.as_ref()?.kind.as_ref()?;
    match (roll_up.function, value) {
        (Function::Avg, ColumnType::Decimal(Some((_, scale)))) if *scale > 0 => {
            Some(format!("1.{}", "0".repeat(*scale as usize)))
        }
        (Function::Avg, ColumnType::Decimal(_)) => None,
        (Function::Avg, _) => Some("1e0".to_owned()),
        (Function::Sum, _) if is_float(column) => Some("1e0".to_owned()),
        _ => None,
    }
}

fn of_rows(roll_up: &RollUp, aggregate: Expr) -> Expr {
    Expr::SubQuery(None, Box::new(rows(roll_up, aggregate).into()))
}

/// The rows that belong to a row of the owner.
fn rows(roll_up: &RollUp, selected: Expr) -> SelectStatement {
    let mut rows = Query::select();
    rows.expr(selected);

    let mut before = OWNER.to_owned();
    for (at, hop) in roll_up.hops.iter().enumerate() {
        let is_last = at + 1 == roll_up.hops.len();
        let name = if is_last { ROWS.to_owned() } else { format!("way_{}", at + 1) };
        let is_linked = linked(hop, &before, &name);
        let table = table(&hop.schema, &hop.table);
        if at == 0 {
            rows.from_as(table, Alias::new(&name)).and_where(is_linked);
        } else {
            rows.join_as(JoinType::InnerJoin, table, Alias::new(&name), is_linked);
        }
        before = name;
    }

    rows.and_where_option(roll_up.condition.as_ref().map(|condition| condition.holds.clone()));
    rows
}

fn linked(hop: &Hop, near: &str, far: &str) -> Expr {
    let links = hop.from.iter().zip(&hop.to);
    let equal = links.map(|(from, to)| column(far, to).eq(column(near, from)));
    equal.reduce(Expr::and).unwrap_or_else(|| Expr::Constant(false.into()))
}
