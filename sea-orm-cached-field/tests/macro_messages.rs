//! Every mistake in the use of `#[cached_fields]` is explained by one message, and every kind of model is understood.

#[test]
fn every_mistake_is_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn every_kind_of_model_is_understood() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
