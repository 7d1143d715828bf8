use heck::ToUpperCamelCase;
use proc_macro2::TokenStream;
use syn::{
    Attribute, Expr, Ident, LitStr, Path, Token, ext::IdentExt, meta::ParseNestedMeta,
    parenthesized, token::Paren,
};

/// The relevant part of SeaORM's attributes of a field. SeaORM itself judges the rest.
#[derive(Default)]
pub(crate) struct SeaOrm {
    pub(crate) primary_key: bool,
    pub(crate) ignore: bool,
    pub(crate) self_ref: bool,
    pub(crate) reverse: bool,
    /// The name of the field's variant in `Column`, if it is not made from the field's name.
    pub(crate) enum_name: Option<Ident>,
    /// The name of the relation in `Relation`, if it is not made from the entity's name.
    pub(crate) relation_enum: Option<LitStr>,
    /// The junction of a many-to-many relation.
    pub(crate) via: Option<Path>,
}

impl SeaOrm {
    pub(crate) fn of(attributes: &[Attribute]) -> Self {
        let mut found = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("sea_orm"))
        {
            // SeaORM reads the same attribute afterwards, and reports its mistakes.
            let _ = attribute.parse_nested_meta(|meta| found.read(&meta));
        }
        found
    }

    /// Returns the name of the field's variant in `Column`.
    pub(crate) fn variant(&self, field: &Ident) -> Ident {
        self.enum_name.clone().unwrap_or_else(|| variant(field))
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let Some(key) = meta.path.get_ident() else {
            return skip(meta);
        };

        match key.to_string().as_str() {
            "primary_key" => self.primary_key = true,
            "ignore" => self.ignore = true,
            "self_ref" => self.self_ref = true,
            "reverse" => self.reverse = true,
            "relation_enum" => self.relation_enum = Some(meta.value()?.parse()?),
            "via" => {
                self.via = Some(meta.value()?.parse::<LitStr>()?.parse_with(Path::parse_mod_style)?)
            }
            "enum_name" => self.enum_name = Some(meta.value()?.parse::<LitStr>()?.parse()?),
            _ => skip(meta)?,
        }

        Ok(())
    }
}

/// Returns the name that SeaORM gives the variant of a field if no attribute says otherwise.
pub(crate) fn variant(field: &Ident) -> Ident {
    let name = field.unraw().to_string().to_upper_camel_case();
    let escaped = if name == "Self" { "Self_" } else { &name };
    Ident::new(escaped, field.span())
}

/// Returns whether an attribute `#[sea_orm(..)]` of the struct contains this key.
pub(crate) fn struct_has_key(attributes: &[Attribute], key: &str) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("sea_orm")) {
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident(key);
            skip(&meta)
        });
    }
    found
}

fn skip(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    }
    Ok(())
}
