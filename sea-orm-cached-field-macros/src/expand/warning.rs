use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt;

use crate::ast::CachedField;

/// Returns a warning about a field that nothing makes stale. The compiler lets a macro warn only by
/// a deprecation.
pub(super) fn depends_on_nothing(field: &CachedField<'_>) -> Option<TokenStream> {
    let options = &field.options;
    let is_told = options.depends_on.is_some() || options.is_rolled_up;
    if is_told || options.temporal_triggers {
        return None;
    }

    let name = field.name.unraw();
    let text = format!(
        "no change makes the cached field `{name}` stale: name what its calculation reads, as in \
         `#[cached(depends_on(first_name))]`, or say that it reads nothing, \
         `#[cached(depends_on())]`"
    );

    let name = field.name;
    Some(quote_spanned! {name.span()=>
        const _: () = {
            #[deprecated(note = #text)]
            #[allow(non_upper_case_globals)]
            const #name: () = ();
            #name
        };
    })
}
