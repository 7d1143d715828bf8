//! The command line, as an operator uses it. `TRYCMD=overwrite cargo test -p record-shop --test
//! command_line` writes the files anew. Put `[..]` in place of times and of names of machines
//! afterwards.

#[test]
fn tells_and_does_what_its_help_says() {
    trycmd::TestCases::new()
        .env("DATABASE_URL", "sqlite:shop.sqlite?mode=rwc")
        .env("USER", "ann")
        .case("tests/cli/*.trycmd");
}
