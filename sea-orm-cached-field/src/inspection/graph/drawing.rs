//! The graph as a drawing, in the languages of Mermaid and Graphviz.

use super::{Graph, GraphInput, GraphStep};

impl Graph {
    /// Returns the graph as a flowchart of [Mermaid](https://mermaid.js.org), which GitHub and many
    /// others show in a README.
    ///
    /// ```text
    /// flowchart LR
    ///     subgraph t0["lamppost"]
    ///         n0(["slow_full_name"])
    ///         n1["first_name"]
    ///     end
    ///     subgraph t1["pigeon"]
    ///         n2["lamppost_id"]
    ///         n3["weight"]
    ///     end
    ///     n1 --> n0
    ///     n2 -.-> n0
    ///     n3 --> n0
    /// ```
    ///
    /// An arrow leads from each input to the field that is calculated from it. The arrow of a
    /// column that relates rows is dotted. An arrow over several relations names the tables
    /// between.
    pub fn mermaid(&self) -> String {
        let Drawing { tables, edges, .. } = Drawing::of(self);
        let mut lines = vec!["flowchart LR".to_owned()];
        for (at, table) in tables.iter().enumerate() {
            lines.push(format!("    subgraph t{at}[\"{}\"]", table.name(in_mermaid)));
            for Node { number, name, is_cached } in &table.nodes {
                let (open, close) = if *is_cached { ("([", "])") } else { ("[", "]") };
                lines.push(format!("        n{number}{open}\"{}\"{close}", in_mermaid(name)));
            }
            lines.push("    end".to_owned());
        }

        for edge in &edges {
            let arrow = if edge.is_link { "-.->" } else { "-->" };
            let label =
                edge.label(in_mermaid).map(|label| format!("|\"{label}\"|")).unwrap_or_default();
            lines.push(format!("    n{} {arrow}{label} n{}", edge.from, edge.to));
        }
        in_lines(&lines)
    }

    /// Returns the graph in the language of [Graphviz](https://graphviz.org), for `dot -Tsvg` and
    /// the like.
    ///
    /// ```text
    /// digraph cached_fields {
    ///     rankdir=LR
    ///     node [shape=box]
    ///     subgraph cluster_0 {
    ///         label="lamppost"
    ///         n0 [label="slow_full_name" style="bold,rounded"]
    ///         n1 [label="first_name"]
    ///     }
    ///     subgraph cluster_1 {
    ///         label="pigeon"
    ///         n2 [label="lamppost_id"]
    ///         n3 [label="weight"]
    ///     }
    ///     n1 -> n0
    ///     n2 -> n0 [style=dashed]
    ///     n3 -> n0
    /// }
    /// ```
    ///
    /// The arrows are those of [`Graph::mermaid`].
    pub fn dot(&self) -> String {
        let Drawing { tables, edges, .. } = Drawing::of(self);
        let mut lines = vec![
            "digraph cached_fields {".to_owned(),
            "    rankdir=LR".to_owned(),
            "    node [shape=box]".to_owned(),
        ];
        for (at, table) in tables.iter().enumerate() {
            lines.push(format!("    subgraph cluster_{at} {{"));
            lines.push(format!("        label=\"{}\"", table.name(in_dot)));
            for Node { number, name, is_cached } in &table.nodes {
                let style = if *is_cached { " style=\"bold,rounded\"" } else { "" };
                lines.push(format!("        n{number} [label=\"{}\"{style}]", in_dot(name)));
            }
            lines.push("    }".to_owned());
        }

        for edge in &edges {
            let style = edge.is_link.then(|| "style=dashed".to_owned());
            let label = edge.label(in_dot).map(|label| format!("label=\"{label}\""));
            let attributes: Vec<String> = style.into_iter().chain(label).collect();
            let attributes = match attributes.as_slice() {
                [] => String::new(),
                attributes => format!(" [{}]", attributes.join(" ")),
            };
            lines.push(format!("    n{} -> n{}{attributes}", edge.from, edge.to));
        }
        lines.push("}".to_owned());
        in_lines(&lines)
    }
}

/// Tables with their columns and fields, and arrows between these.
#[derive(Default)]
pub(super) struct Drawing<'g> {
    pub(super) tables: Vec<Cluster<'g>>,
    pub(super) edges: Vec<Edge<'g>>,
    /// The number of nodes.
    nodes: usize,
}

/// A table.
pub(super) struct Cluster<'g> {
    schema: Option<&'g str>,
    table: &'g str,
    pub(super) nodes: Vec<Node<'g>>,
}

/// A column or a cached field.
pub(super) struct Node<'g> {
    pub(super) number: usize,
    pub(super) name: &'g str,
    pub(super) is_cached: bool,
}

/// An arrow from an input to a field.
#[derive(PartialEq)]
pub(super) struct Edge<'g> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) is_link: bool,
    is_recursive: bool,
    /// The tables between the two.
    between: Vec<(Option<&'g str>, &'g str)>,
}

impl<'g> Drawing<'g> {
    pub(super) fn of(graph: &'g Graph) -> Self {
        let mut drawing = Self::default();
        for field in &graph.fields {
            let to = drawing.node(field.schema.as_deref(), &field.table, field.field, true);
            for input in &field.inputs {
                let name = input.field.unwrap_or(&input.column);
                let schema = input.schema.as_deref();
                let from = drawing.node(schema, &input.table, name, input.field.is_some());
                let edge = Edge::new(from, to, input);
                if !drawing.edges.contains(&edge) {
                    drawing.edges.push(edge);
                }
            }
        }
        drawing
    }

    /// Returns the number of a node. The node is added if it is not there yet.
    fn node(
        &mut self,
        schema: Option<&'g str>,
        table: &'g str,
        name: &'g str,
        is_cached: bool,
    ) -> usize {
        let is_it = |cluster: &Cluster<'_>| (cluster.schema, cluster.table) == (schema, table);
        let place = self.tables.iter().position(is_it).unwrap_or_else(|| {
            self.tables.push(Cluster { schema, table, nodes: Vec::new() });
            self.tables.len() - 1
        });

        let nodes = &mut self.tables[place].nodes;
        let is_it = |node: &&Node<'_>| (node.name, node.is_cached) == (name, is_cached);
        if let Some(node) = nodes.iter().find(is_it) {
            return node.number;
        }
        let number = self.nodes;
        nodes.push(Node { number, name, is_cached });
        self.nodes += 1;
        number
    }
}

impl Cluster<'_> {
    /// Returns the name of the table. `escaped` returns a name as a language can have it in quotes.
    pub(super) fn name(&self, escaped: impl Fn(&str) -> String) -> String {
        qualified(self.schema, self.table, &escaped)
    }
}

impl<'g> Edge<'g> {
    fn new(from: usize, to: usize, input: &'g GraphInput) -> Self {
        let between = input.through.split_last().map_or(&[][..], |(_, between)| between);
        let table = |step: &'g GraphStep| (step.schema.as_deref(), step.table.as_str());
        Self {
            from,
            to,
            is_link: input.is_link,
            is_recursive: input.through.iter().any(|step| step.recursive),
            between: between.iter().map(table).collect(),
        }
    }

    /// Returns what is to be said of the way. `escaped` returns a name as a language can have it in
    /// quotes.
    pub(super) fn label(&self, escaped: impl Fn(&str) -> String) -> Option<String> {
        let between: Vec<String> = self
            .between
            .iter()
            .map(|(schema, table)| qualified(*schema, table, &escaped))
            .collect();
        let recursive = self.is_recursive.then(|| "recursive".to_owned());
        let through = (!between.is_empty()).then(|| format!("through {}", between.join(", ")));
        let label: Vec<String> = recursive.into_iter().chain(through).collect();
        (!label.is_empty()).then(|| label.join(" "))
    }
}

fn qualified(schema: Option<&str>, table: &str, escaped: impl Fn(&str) -> String) -> String {
    let schema = schema.map(|schema| format!("{}.", escaped(schema))).unwrap_or_default();
    format!("{schema}{}", escaped(table))
}

fn in_lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Returns a name in quotes of Mermaid, without the quotes. Mermaid takes the text for Markdown
/// with HTML in it. So whatever is more than a word is written by the numbers of its characters.
fn in_mermaid(name: &str) -> String {
    let is_word = name.chars().all(|char| char.is_alphanumeric() || char == '_');
    // An underscore at an end makes Markdown print the name in italics.
    if is_word && !name.starts_with('_') && !name.ends_with('_') {
        return name.to_owned();
    }
    let written = |char: char| match char {
        char if char.is_alphanumeric() => char.to_string(),
        char => format!("#{};", u32::from(char)),
    };
    name.chars().map(written).collect()
}

/// Returns a name in quotes of Graphviz, without the quotes. Graphviz reads escapes and the
/// entities of HTML in it.
fn in_dot(name: &str) -> String {
    name.replace('\\', r"\\").replace('"', "\\\"").replace('&', "&amp;").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::{
        super::examples::{field, input, of_odd_names, step},
        *,
    };

    /// Returns a graph with two towns that look the same, and with ways over several tables.
    fn of_ways() -> Graph {
        let town = || input("town", "name", vec![step("town", false)]);
        let shop = GraphInput {
            is_link: true,
            ..input("shop", "town_id", vec![step("town", false), step("shop", false)])
        };
        let nested = input("town", "name", vec![step("tour", true), step("town", true)]);
        let reports = GraphInput {
            field: Some("label"),
            ..input("person", "cached_label", vec![step("person", true)])
        };
        let inputs = vec![town(), town(), shop, nested, reports];
        Graph { fields: vec![field(None, "person", "label", inputs)] }
    }

    #[test]
    fn mermaid_of_odd_names() {
        insta::assert_snapshot!(of_odd_names().mermaid(), @r##"
        flowchart LR
            subgraph t0["a#34;b.order#32;#91;lines#93;#59;#10;#37;#37;#32;#34;new#34;"]
                n0(["total"])
                n1["#60;b#62;#35;35#59;#32;#38;amp#59;#60;#47;b#62;"]
            end
            subgraph t1["back#92;slash#92;"]
                n2["#95;#95;x#95;#95;"]
            end
            subgraph t2["#45;#62;#32;y"]
                n3(["end"])
            end
            n1 --> n0
            n2 -->|"recursive through #96;1#46;#32;x#96;"| n0
            n3 -.-> n0
        "##);
    }

    #[test]
    fn mermaid_of_underscores() {
        assert_eq!(["a_b", "_x", "x_"].map(in_mermaid), ["a_b", "#95;x", "x#95;"]);
    }

    #[test]
    fn dot_of_odd_names() {
        insta::assert_snapshot!(of_odd_names().dot(), @r#"
        digraph cached_fields {
            rankdir=LR
            node [shape=box]
            subgraph cluster_0 {
                label="a\"b.order [lines];\n%% \"new\""
                n0 [label="total" style="bold,rounded"]
                n1 [label="<b>#35; &amp;amp;</b>"]
            }
            subgraph cluster_1 {
                label="back\\slash\\"
                n2 [label="__x__"]
            }
            subgraph cluster_2 {
                label="-> y"
                n3 [label="end" style="bold,rounded"]
            }
            n1 -> n0
            n2 -> n0 [label="recursive through `1. x`"]
            n3 -> n0 [style=dashed]
        }
        "#);
    }

    #[test]
    fn arrows_of_mermaid_say_their_way() {
        insta::assert_snapshot!(of_ways().mermaid(), @r#"
        flowchart LR
            subgraph t0["person"]
                n0(["label"])
            end
            subgraph t1["town"]
                n1["name"]
            end
            subgraph t2["shop"]
                n2["town_id"]
            end
            n1 --> n0
            n2 -.->|"through town"| n0
            n1 -->|"recursive through tour"| n0
            n0 -->|"recursive"| n0
        "#);
    }

    #[test]
    fn arrows_of_dot_say_their_way() {
        insta::assert_snapshot!(of_ways().dot(), @r#"
        digraph cached_fields {
            rankdir=LR
            node [shape=box]
            subgraph cluster_0 {
                label="person"
                n0 [label="label" style="bold,rounded"]
            }
            subgraph cluster_1 {
                label="town"
                n1 [label="name"]
            }
            subgraph cluster_2 {
                label="shop"
                n2 [label="town_id"]
            }
            n1 -> n0
            n2 -> n0 [style=dashed label="through town"]
            n1 -> n0 [label="recursive through tour"]
            n0 -> n0 [label="recursive"]
        }
        "#);
    }
}
