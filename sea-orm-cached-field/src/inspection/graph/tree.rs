//! The graph as lines of text, in the manner of `cargo tree`.

use std::collections::HashSet;

use super::{Graph, GraphField, GraphInput};

impl Graph {
    /// Returns the graph as text: below each field stands what it is calculated from.
    ///
    /// ```text
    /// artist.playing_time (lazy)
    /// ├── artist: name
    /// ├── artist -> album (links: artist_id)
    /// └── artist -> album.length
    ///     └── album -> track: seconds (links: album_id)
    /// ```
    ///
    /// - The tree begins with the fields that no other field of the graph is calculated from.
    /// - A line names the tables from the row of the field above it to the rows that are read.
    ///   A table behind `recursive` is reached over its relation any number of times.
    /// - Columns that relate rows are listed after `links:`. A cached field that relates rows is
    ///   followed by `(link)`.
    /// - If a field comes again, `(*)` is written instead of what is below it. So a recursive field
    ///   ends after one round.
    /// - A field of a model that is not in the graph has nothing below it.
    /// - A name is quoted if it has other characters than letters, digits and underscores.
    pub fn tree(&self) -> String {
        let mut tree = Tree { graph: self, shown: HashSet::new(), text: String::new() };
        for at in (0..self.fields.len()).filter(|at| !self.is_input(*at)) {
            tree.add_root(at);
        }

        // The fields of a circle have no root. `graph` refuses one, but `fields` is public.
        for at in 0..self.fields.len() {
            if !tree.shown.contains(&at) {
                tree.add_root(at);
            }
        }
        tree.text
    }

    /// Returns whether another field is calculated from this one.
    fn is_input(&self, at: usize) -> bool {
        let mut others = self.fields.iter().enumerate().filter(|(other, _)| *other != at);
        others.any(|(_, other)| other.inputs.iter().any(|input| self.place_of(input) == Some(at)))
    }
}

struct Tree<'g> {
    graph: &'g Graph,
    /// The fields of which the text has what is below them.
    shown: HashSet<usize>,
    text: String,
}

/// A line below a field: columns, or a cached field.
struct Line {
    label: String,
    /// The place of the cached field in the graph, if it has one.
    field: Option<usize>,
}

impl Tree<'_> {
    fn add_root(&mut self, at: usize) {
        let field = &self.graph.fields[at];
        let table = qualified(field.schema.as_deref(), &field.table);
        self.add_line("", &format!("{table}.{}{}", field.field, in_brackets(options(field))));
        self.add_below(at, "");
    }

    /// Adds what is below a field. `indent` is the text in front of these lines.
    fn add_below(&mut self, at: usize, indent: &str) {
        self.shown.insert(at);
        let lines = self.lines(&self.graph.fields[at]);
        let count = lines.len();
        for (place, Line { label, field }) in lines.into_iter().enumerate() {
            let (branch, below) =
                if place + 1 < count { ("├── ", "│   ") } else { ("└── ", "    ") };
            let is_again = field.is_some_and(|field| {
                self.shown.contains(&field) && !self.graph.fields[field].inputs.is_empty()
            });
            let again = if is_again { " (*)" } else { "" };
            self.add_line(&format!("{indent}{branch}"), &format!("{label}{again}"));
            if let Some(field) = field.filter(|_| !is_again) {
                self.add_below(field, &format!("{indent}{below}"));
            }
        }
    }

    fn add_line(&mut self, indent: &str, label: &str) {
        self.text.push_str(indent);
        self.text.push_str(label);
        self.text.push('\n');
    }

    /// Returns the lines below a field. Of the rows behind a path, the columns come first, then the
    /// cached fields.
    fn lines(&self, field: &GraphField) -> Vec<Line> {
        // Paths over the same tables look the same, such as those to a home and to a place of work.
        let mut paths: Vec<(String, Vec<&GraphInput>)> = Vec::new();
        for input in &field.inputs {
            let path = path(field, input);
            match paths.iter_mut().find(|(other, _)| *other == path) {
                Some((_, inputs)) => inputs.push(input),
                None => paths.push((path, vec![input])),
            }
        }

        let mut lines: Vec<Line> = Vec::new();
        for (path, inputs) in paths {
            let (fields, columns): (Vec<&GraphInput>, Vec<&GraphInput>) =
                inputs.into_iter().partition(|input| input.field.is_some());
            if !columns.is_empty() {
                lines.push(Line { label: label_of_columns(&path, &columns), field: None });
            }
            for input in fields {
                let line = self.line_of_field(&path, input);
                if !lines.iter().any(|other| other.label == line.label) {
                    lines.push(line);
                }
            }
        }
        lines
    }

    fn line_of_field(&self, path: &str, input: &GraphInput) -> Line {
        let field = self.graph.place_of(input);
        let options = field.into_iter().flat_map(|field| options(&self.graph.fields[field]));
        let notes = input.is_link.then_some("link").into_iter().chain(options);
        let name = input.field.unwrap_or(&input.column);
        Line { label: format!("{path}.{name}{}", in_brackets(notes)), field }
    }
}

fn label_of_columns(path: &str, columns: &[&GraphInput]) -> String {
    let (links, read): (Vec<&GraphInput>, Vec<&GraphInput>) =
        columns.iter().copied().partition(|input| input.is_link);
    let names = |inputs: Vec<&GraphInput>| {
        let mut names: Vec<String> = Vec::new();
        for name in inputs.iter().map(|input| quoted(&input.column)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    };

    let read = if read.is_empty() { String::new() } else { format!(": {}", names(read)) };
    let links =
        if links.is_empty() { String::new() } else { format!(" (links: {})", names(links)) };
    format!("{path}{read}{links}")
}

/// Returns the tables from the row of a field to the rows of an input.
fn path(field: &GraphField, input: &GraphInput) -> String {
    let mut path = qualified(field.schema.as_deref(), &field.table);
    for step in &input.through {
        path.push_str(if step.recursive { " -> recursive " } else { " -> " });
        path.push_str(&qualified(step.schema.as_deref(), &step.table));
    }
    path
}

fn options(field: &GraphField) -> impl Iterator<Item = &'static str> {
    let options = [
        (field.recursive, "recursive"),
        (field.lazy, "lazy"),
        (field.query, "query"),
        (field.expires, "expires"),
    ];
    options.into_iter().filter(|(is_set, _)| *is_set).map(|(_, option)| option)
}

fn in_brackets<'a>(notes: impl IntoIterator<Item = &'a str>) -> String {
    let notes: Vec<&str> = notes.into_iter().collect();
    if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) }
}

fn qualified(schema: Option<&str>, table: &str) -> String {
    let schema = schema.map(|schema| format!("{}.", quoted(schema))).unwrap_or_default();
    format!("{schema}{}", quoted(table))
}

/// Returns a name on one line, and so that it can be told from the text around it.
fn quoted(name: &str) -> String {
    let is_word = name.chars().all(|char| char.is_alphanumeric() || char == '_');
    if is_word { name.to_owned() } else { format!("{name:?}") }
}

#[cfg(test)]
mod tests {
    use super::{
        super::examples::{field, input, of_odd_names, step},
        *,
    };

    fn cached(table: &str, name: &'static str) -> GraphInput {
        GraphInput { field: Some(name), ..input(table, "cached", vec![step(table, false)]) }
    }

    #[test]
    fn odd_names_stand_in_quotes() {
        insta::assert_snapshot!(of_odd_names().tree(), @r#"
        "a\"b"."order [lines];\n%% \"new\"".total
        ├── "a\"b"."order [lines];\n%% \"new\"": "<b>#35; &amp;</b>"
        ├── "a\"b"."order [lines];\n%% \"new\"" -> recursive "`1. x`" -> recursive "-> y": __x__
        └── "a\"b"."order [lines];\n%% \"new\"" -> "-> y".end (link, lazy)
        "#);
    }

    #[test]
    fn what_is_below_a_field_stands_there_once() {
        let below = || cached("b", "below");
        let graph = Graph {
            fields: vec![
                field(None, "a", "first", vec![below(), below()]),
                field(None, "b", "below", vec![input("b", "x", Vec::new()), cached("c", "none")]),
                field(None, "c", "none", Vec::new()),
                field(None, "d", "second", vec![below(), cached("c", "none"), cached("e", "e")]),
            ],
        };
        insta::assert_snapshot!(graph.tree(), @"
        a.first
        └── a -> b.below
            ├── b: x
            └── b -> c.none
        d.second
        ├── d -> b.below (*)
        ├── d -> c.none
        └── d -> e.e
        ");
    }

    #[test]
    fn a_circle_ends() {
        let graph = Graph {
            fields: vec![
                field(None, "hen", "egg", vec![cached("egg", "hen")]),
                field(None, "egg", "hen", vec![cached("hen", "egg")]),
            ],
        };
        insta::assert_snapshot!(graph.tree(), @"
        hen.egg
        └── hen -> egg.hen
            └── egg -> hen.egg (*)
        ");
    }
}
