//! The graph as a picture.

use layout::{
    backends::svg::SVGWriter,
    core::{base::Orientation, color::Color, style::LineStyleKind, style::StyleAttr},
    std_shapes::{
        render::get_shape_size,
        shapes::{Arrow, Element, LineEndKind, ShapeKind},
    },
    topo::layout::VisualGraph,
};

use super::{Graph, drawing::Drawing};

/// The size of the text, in pixels.
const TEXT: usize = 14;

impl Graph {
    /// Returns the graph as an SVG document, with the feature `cli`. The arrows are those of
    /// [`Graph::mermaid`]. A cached field has a thick frame.
    pub fn svg(&self) -> String {
        let Drawing { tables, edges, .. } = Drawing::of(self);
        let orientation = Orientation::LeftToRight;
        let mut picture = VisualGraph::new(orientation);

        let mut nodes = Vec::new();
        for table in &tables {
            for node in &table.nodes {
                let text = format!("{}\n{}", table.name(str::to_owned), node.name);
                let width = if node.is_cached { 3 } else { 1 };
                let shape = ShapeKind::new_box(&text);
                let size = get_shape_size(orientation, &shape, TEXT, false);
                let element = Element::create(shape, style(width), orientation, size);
                nodes.push((node.number, picture.add_node(element)));
            }
        }

        let node =
            |number: usize| nodes.iter().find(|(of, _)| *of == number).map(|(_, node)| *node);
        for edge in &edges {
            let (Some(from), Some(to)) = (node(edge.from), node(edge.to)) else { continue };
            let line = if edge.is_link { LineStyleKind::Dashed } else { LineStyleKind::Normal };
            let text = edge.label(str::to_owned).unwrap_or_default();
            let (start, end) = (LineEndKind::None, LineEndKind::Arrow);
            let arrow = Arrow::new(start, end, line, &text, &style(1), &None, &None);
            picture.add_edge(arrow, from, to);
        }

        let mut writer = SVGWriter::new();
        // The layout of nothing would panic.
        if !nodes.is_empty() {
            picture.do_it(false, false, false, &mut writer);
        }
        writer.finalize()
    }
}

fn style(width: usize) -> StyleAttr {
    StyleAttr::new(Color::fast("black"), width, Some(Color::fast("white")), 5, TEXT)
}

#[cfg(test)]
mod tests {
    use super::{super::examples::of_odd_names, *};

    /// What a reader of the picture sees, without its places and sizes.
    fn texts(svg: &str) -> Vec<&str> {
        let spans = svg.split("<tspan").skip(1);
        let texts = spans.filter_map(|span| span.split_once('>')?.1.split_once('<'));
        texts.map(|(text, _)| text).collect()
    }

    #[test]
    fn of_odd_names_is_escaped() {
        let svg = of_odd_names().svg();
        insta::assert_debug_snapshot!(texts(&svg), @r#"
        [
            "a&quot;b.order [lines];",
            "%% &quot;new&quot;",
            "total",
            "a&quot;b.order [lines];",
            "%% &quot;new&quot;",
            "&lt;b&gt;#35; &amp;amp;&lt;/b&gt;",
            "back\\slash\\",
            "__x__",
            "-&gt; y",
            "end",
            "recursive through `1. x`",
        ]
        "#);
        assert_eq!(svg.matches("<path").count(), 3, "{svg}");
    }

    #[test]
    fn of_no_fields_is_empty() {
        let svg = Graph { fields: Vec::new() }.svg();
        assert!(svg.starts_with("<?xml") && texts(&svg).is_empty(), "{svg}");
    }
}
