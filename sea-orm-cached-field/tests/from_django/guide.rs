//! The page itself: sea-orm-cached-field/src/docs/from-django.md.

use std::{collections::HashMap, fs, path::Path};

/// All that a user of the original can name.
const NAMES: [&str; 50] = [
    "CachedBigIntegerField",
    "CachedBooleanField",
    "CachedCharField",
    "CachedDateField",
    "CachedDateTimeField",
    "CachedDecimalField",
    "CachedEmailField",
    "CachedFloatField",
    "CachedIntegerField",
    "CachedIPAddressField",
    "CachedNullBooleanField",
    "CachedPositiveIntegerField",
    "CachedPositiveSmallIntegerField",
    "CachedSlugField",
    "CachedSmallIntegerField",
    "CachedTextField",
    "CachedTimeField",
    "CachedFieldMixin",
    "calculation_method_name",
    "cached_field_name",
    "recalculation_needed_field_name",
    "expiration_field_name",
    "temporal_triggers",
    "post_calculation_hook_method_name",
    "db_index_on_temporal_trigger_field",
    "db_index_on_recalculation_needed_field",
    "*args, **kwargs",
    "obj.FIELD",
    "obj.cached_FIELD",
    "obj.FIELD_recalculation_needed",
    "obj.FIELD_expires_after",
    "_get_FIELD",
    "_set_FIELD",
    "calculate_FIELD()",
    "recalculate_FIELD()",
    "recalculate_FIELD(commit=False)",
    "_recalculate_FIELD",
    "flag_FIELD_as_stale()",
    "flag_FIELD_as_stale(and_recalculate=..)",
    "flag_FIELD_as_stale(commit=False)",
    "_flag_FIELD_as_stale",
    "expire_FIELD_after(when)",
    "_expire_FIELD_after",
    "trigger_cache_recalculation()",
    "ensure_class_has_cached_field_methods",
    "contribute_to_class",
    "offload_cache_recalculation",
    "CACHED_FIELD_EAGER_RECALCULATION",
    "CACHED_FIELD_USE_TIMEZONE",
    "CACHED_FIELD_TRANSACTION_AWARE",
];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn page() -> String {
    fs::read_to_string(repository().join("sea-orm-cached-field/src/docs/from-django.md"))
        .expect("the page")
}

/// The rows of all tables, without their heads.
fn rows(page: &str) -> Vec<&str> {
    let lines: Vec<&str> = page.lines().collect();
    let is_row = |at: &usize| {
        lines[*at].starts_with("| ")
            && !lines.get(at + 1).is_some_and(|next| next.starts_with("|---"))
    };
    (0..lines.len()).filter(is_row).map(|at| lines[at]).collect()
}

#[test]
fn every_name_has_a_row() {
    let page = page();
    let rows = rows(&page);
    for name in NAMES {
        let name = format!("`{name}`");
        assert!(
            rows.iter()
                .any(|row| row.split(" | ").next().is_some_and(|first| first.contains(&name))),
            "{name}"
        );
    }
}

#[test]
fn every_row_leads_to_its_test() {
    let page = page();
    let links: HashMap<&str, &str> = page
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
        .map(|(name, address)| {
            (name, address.split_once("/blob/main/").expect("a file of the repository").1)
        })
        .collect();

    let rows = rows(&page);
    assert!(rows.len() > 60, "{} rows", rows.len());
    for row in rows {
        let test =
            row.trim_end_matches(" |").rsplit(" | ").next().and_then(|test| test.split('`').nth(1));
        let (module, name) = test
            .and_then(|test| test.split_once("::"))
            .unwrap_or_else(|| panic!("no test in: {row}"));
        let file =
            repository().join(links.get(module).unwrap_or_else(|| panic!("no link to {module}")));
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));

        assert!(
            text.contains(&format!("async fn {name}(")),
            "{} has no test {name}",
            file.display()
        );
    }
}
