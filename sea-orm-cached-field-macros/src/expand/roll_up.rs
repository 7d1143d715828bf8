use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, ext::IdentExt, spanned::Spanned};

use super::{
    at,
    dependencies::{hop, start},
    option,
};
use crate::{
    ast::Model,
    attr::{Comparison, Condition, Function, Operand, RollUp, variant},
};

/// Returns an expression of type `RollUp`.
pub(super) fn roll_up(model: &Model<'_>, roll_up: &RollUp) -> TokenStream {
    let mut path = start();
    let mut here = Some(model);
    for relation in &roll_up.relations {
        path = hop(here, &path, relation, false);
        here = here.filter(|model| model.leads_back(relation));
    }

    let rows = Rows { model: here, name: Ident::new("rows", Span::mixed_site()) };
    let column = option(roll_up.column.as_ref().map(|column| rows.column(column)));
    let condition = option(roll_up.condition.as_ref().map(|condition| rows.condition(condition)));
    let function = function(roll_up.function);
    let definition = roll_up.to_string();
    let rows = rows.name;
    quote! {{
        let path = #path;
        let #rows = path.rows();
        path.roll_up(#function, #column, #condition, #definition)
    }}
}

fn function(function: Function) -> TokenStream {
    let function = format_ident!("{function:?}");
    quote!(::sea_orm_cached_field::__private::Function::#function)
}

/// The rows that are rolled up.
struct Rows<'a> {
    /// Their model, if it is known.
    model: Option<&'a Model<'a>>,
    /// The variable of the generated code that holds them.
    name: Ident,
}

impl Rows<'_> {
    /// The closure makes the compiler check the field, and editors find it.
    fn field(&self, column: &Ident) -> TokenStream {
        let text = column.unraw().to_string();
        let variant =
            self.model.map_or_else(|| variant(column), |model| model.variant(column)).to_string();
        quote_spanned!(at(column.span())=> |row| &mut row.#column, #text, #variant)
    }

    fn column(&self, column: &Ident) -> TokenStream {
        let rows = &self.name;
        let field = self.field(column);
        quote_spanned!(at(column.span())=> #rows.column(#field))
    }

    fn condition(&self, condition: &Condition) -> TokenStream {
        match condition {
            Condition::Compare { column, comparison, with } => {
                self.compare(column, *comparison, with)
            }
            Condition::IsNull(column) => {
                let rows = &self.name;
                let field = self.field(column);
                quote_spanned!(at(column.span())=> #rows.is_null(#field))
            }
            Condition::Not(condition) => {
                let condition = self.condition(condition);
                quote!(#condition.not())
            }
            Condition::And(left, right) => {
                let [left, right] = [left, right].map(|part| self.condition(part));
                quote!(#left.and(#right))
            }
            Condition::Or(left, right) => {
                let [left, right] = [left, right].map(|part| self.condition(part));
                quote!(#left.or(#right))
            }
        }
    }

    fn compare(&self, column: &Ident, comparison: Comparison, with: &Operand) -> TokenStream {
        let rows = &self.name;
        let field = self.field(column);
        let comparison = format_ident!("{comparison:?}");
        let comparison = quote!(::sea_orm_cached_field::__private::Comparison::#comparison);

        let literal = |kind: &str, value: TokenStream| {
            let kind = format_ident!("{kind}");
            quote!(::sea_orm_cached_field::__private::literal::#kind(#value))
        };
        let with = match with {
            Operand::Whole(number) => literal("Whole", quote!(#number)),
            Operand::Fraction(number) => literal("Fraction", quote!(#number)),
            Operand::Text(text) => literal("Text", quote!(#text)),
            Operand::Truth(truth) => literal("Truth", quote!(#truth)),
            Operand::Constant(path) => {
                let text = with.to_string();
                // An error about the constant is shown there.
                return quote_spanned! {at(path.span())=>
                    #rows.compare_with_constant(#field, #comparison, #path, #text)
                };
            }
        };
        quote_spanned!(at(column.span())=> #rows.compare(#field, #comparison, #with))
    }
}
