//! The contents of the workspace, so that no list of packages or features is kept by hand.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

pub(crate) struct Workspace {
    packages: Vec<Package>,
    target: PathBuf,
}

struct Package {
    name: String,
    features: Vec<String>,
    /// The programs of integration tests, beside the unit tests.
    tests: Vec<String>,
    is_example: bool,
}

impl Workspace {
    pub(crate) fn load(sh: &Shell) -> Result<Self> {
        let json =
            cmd!(sh, "cargo metadata --locked --no-deps --format-version 1").quiet().read()?;
        Self::parse(&json, &sh.current_dir().join("examples"))
    }

    /// Reads the metadata. The packages below `examples` are the examples.
    fn parse(json: &str, examples: &Path) -> Result<Self> {
        let metadata: Value = serde_json::from_str(json)?;
        let packages = metadata["packages"]
            .as_array()
            .context("no packages in the output of cargo metadata")?;
        let packages =
            packages.iter().map(|package| Package::parse(package, examples)).collect::<Option<_>>();
        let packages =
            packages.context("a package without name, features or manifest in cargo metadata")?;
        let target = metadata["target_directory"]
            .as_str()
            .context("no target directory in cargo metadata")?;
        Ok(Self { packages, target: target.into() })
    }

    /// Returns all features of `package` except for `default`.
    pub(crate) fn features(&self, package: &str) -> Result<impl Iterator<Item = &str>> {
        let package = self.packages.iter().find(|candidate| candidate.name == package);
        let package = package.context("no such package in the workspace")?;
        Ok(package.features.iter().map(String::as_str).filter(|feature| *feature != "default"))
    }

    /// Returns the programs of integration tests of this package.
    pub(crate) fn tests(&self, package: &str) -> impl Iterator<Item = &str> {
        let package = self.packages.iter().filter(move |candidate| candidate.name == package);
        package.flat_map(|package| package.tests.iter().map(String::as_str))
    }

    /// Returns the program that a build of the workspace makes of this example.
    pub(crate) fn program(&self, example: &str) -> PathBuf {
        self.target.join("debug").join(example)
    }

    pub(crate) fn examples(&self) -> impl Iterator<Item = &str> {
        self.packages
            .iter()
            .filter(|package| package.is_example)
            .map(|package| package.name.as_str())
    }
}

impl Package {
    fn parse(package: &Value, examples: &Path) -> Option<Self> {
        Some(Self {
            name: package["name"].as_str()?.to_owned(),
            features: package["features"].as_object()?.keys().cloned().collect(),
            tests: package["targets"].as_array()?.iter().filter_map(name_of_test).collect(),
            is_example: Path::new(package["manifest_path"].as_str()?).starts_with(examples),
        })
    }
}

fn name_of_test(target: &Value) -> Option<String> {
    let is_test = target["kind"].as_array()?.iter().any(|kind| kind == "test");
    is_test.then(|| target["name"].as_str().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"target_directory": "/w/target", "packages": [
        {"name": "library", "features": {"default": [], "b": [], "a": ["b"]}, "manifest_path": "/w/library/Cargo.toml", "targets": [
            {"name": "library", "kind": ["lib"]}, {"name": "marking", "kind": ["test"]}]},
        {"name": "shop", "features": {}, "manifest_path": "/w/examples/shop/Cargo.toml", "targets": []}
    ]}"#;

    #[test]
    fn features_are_those_of_the_package_without_default() {
        let workspace = Workspace::parse(JSON, Path::new("/w/examples")).unwrap();
        assert_eq!(workspace.features("library").unwrap().collect::<Vec<_>>(), ["a", "b"]);
        assert!(workspace.features("unknown").is_err());
    }

    #[test]
    fn tests_are_the_targets_of_that_kind() {
        let workspace = Workspace::parse(JSON, Path::new("/w/examples")).unwrap();
        assert_eq!(workspace.tests("library").collect::<Vec<_>>(), ["marking"]);
        assert_eq!(workspace.tests("shop").count(), 0);
    }

    #[test]
    fn examples_are_the_packages_in_the_folder_of_examples() {
        let workspace = Workspace::parse(JSON, Path::new("/w/examples")).unwrap();
        assert_eq!(workspace.examples().collect::<Vec<_>>(), ["shop"]);
        assert_eq!(workspace.program("shop"), Path::new("/w/target/debug/shop"));
    }
}
