//! The map in ARCHITECTURE.md is correct: it names each room of the library, and a room imports
//! only from rooms below it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, File, ItemMod, ItemUse, UseTree,
    visit::{self, Visit},
};

const LIBRARY: &str = "sea-orm-cached-field/src";

/// Returns the rooms from top to bottom, by the map. A room is a file or a folder.
fn rooms_of_the_map(map: &str) -> Vec<String> {
    let lines = map.lines().skip_while(|line| !line.starts_with(LIBRARY)).skip(1);
    let names = lines.take_while(|line| line.starts_with("  ")).flat_map(|line| {
        let (names, _) = line.trim_start().split_once("  ").expect("names, then what they are");
        names.split(", ").map(|name| name.split(['.', '/']).next().unwrap().to_owned())
    });
    names.collect()
}

/// Returns the rooms that exist.
fn rooms_of(library: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(library).expect("the library").map(|entry| entry.unwrap().path());
    let names = entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    // These are pages of the documentation, and a test.
    names.filter(|name| !["docs", "any_name"].contains(&name.as_str())).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|file| file.extension().is_some_and(|it| it == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// The names of the crate that a file uses, except for its tests.
#[derive(Default)]
struct Named(BTreeSet<String>);

impl Named {
    fn add(&mut self, name: &str) {
        self.0.insert(if name == "Error" { "error".to_owned() } else { name.to_owned() });
    }

    fn add_tree(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.add(&path.ident.to_string()),
            UseTree::Name(name) => self.add(&name.ident.to_string()),
            UseTree::Rename(name) => self.add(&name.ident.to_string()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(tree)),
            UseTree::Glob(_) => {}
        }
    }
}

fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_of_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        match &item.tree {
            UseTree::Path(path) if path.ident == "crate" => self.add_tree(&path.tree),
            _ => {}
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 2 && path.segments[0].ident == "crate" {
            self.add(&path.segments[1].ident.to_string());
        }
        visit::visit_path(self, path);
    }
}

#[test]
fn each_is_in_the_map_and_knows_only_those_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let library = root.join(LIBRARY);
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the map");
    let rooms = rooms_of_the_map(&map);
    assert_eq!(rooms.iter().cloned().collect::<BTreeSet<_>>(), rooms_of(&library));

    let mut wrong = Vec::new();
    for source in sources(&library) {
        let file = source.strip_prefix(&library).unwrap();
        let room = file.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(floor) = rooms.iter().position(|name| name == room) else { continue };
        // The face names all of them.
        if room == "lib" {
            continue;
        }
        let code: File = syn::parse_file(&fs::read_to_string(&source).unwrap()).unwrap();
        let mut named = Named::default();
        named.visit_file(&code);
        let above = rooms[..floor].iter().filter(|room| named.0.contains(*room));
        wrong.extend(above.map(|above| format!("{} imports from {above}", file.display())));
    }
    assert_eq!(wrong, Vec::<String>::new());
}
