//! What an SVG costs before it is drawn: references multiply its elements, so a file of a kilobyte may have billions.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};

use crate::{Limits, Refusal};

/// Of the XML document, elements and texts.
pub(super) const NODES: u32 = 500_000;
/// Elements to be drawn, those that are referred to counted each time.
const ELEMENTS: u64 = 200_000;
/// What the parser follows inside an entity that is referred to by the document; more is an error there.
const INNER_REFERENCES: u64 = 255;
const TOO_DEEP: Refusal = Refusal::TooMany("levels");
/// The elements whose `href` is drawn; that of a link is not.
const DRAWING: [&str; 5] = ["use", "feImage", "pattern", "filter", "textPath"];

/// Refuses a document whose entities would make it far larger than it is.
pub(super) fn check_entities(text: &str, limits: &Limits) -> Result<(), Refusal> {
    let (mut longest, mut inner) = (0, 0);
    for declaration in text.split("<!ENTITY").skip(1) {
        // What looks like one in another place is counted as well: that does no harm.
        let Some(quote) = declaration.find(['"', '\'']) else { continue };
        let (_, value) = declaration.split_at(quote);
        let mark = if value.starts_with('"') { '"' } else { '\'' };
        let value = value.split(mark).nth(1).unwrap_or_default();
        longest = longest.max(value.len() as u64);
        inner += value.matches('&').count() as u64;
    }
    if longest == 0 {
        return Ok(());
    }
    let references = text.matches('&').count() as u64 * (1 + inner.min(INNER_REFERENCES));
    if references.saturating_mul(longest) > limits.expanded_bytes {
        return Err(Refusal::TooMany("entities"));
    }
    Ok(())
}

/// Refuses a document of too many elements, or elements inside one another, those that are referred to counted each
/// time.
pub(super) fn check_elements(document: &Document, limits: &Limits) -> Result<(), Refusal> {
    let mut ids = HashMap::new();
    for node in document.descendants() {
        if let Some(id) = node.attribute("id") {
            ids.entry(id).or_insert(node);
        }
    }
    let mut scales = Scales { ids, weighed: HashMap::new(), deepest: limits.nesting };
    let root = scales.weigh(document.root_element(), 1)?;
    if root.elements > ELEMENTS { Err(Refusal::TooMany("elements")) } else { Ok(()) }
}

#[derive(Clone, Copy)]
struct Weight {
    /// It, what is in it, and what those refer to.
    elements: u64,
    /// How many are inside one another.
    levels: u32,
}

struct Scales<'a, 'input> {
    ids: HashMap<&'a str, Node<'a, 'input>>,
    weighed: HashMap<NodeId, Weight>,
    deepest: u32,
}

impl<'a, 'input> Scales<'a, 'input> {
    /// What refers to itself is too deep.
    fn weigh(&mut self, node: Node<'a, 'input>, level: u32) -> Result<Weight, Refusal> {
        if let Some(weight) = self.weighed.get(&node.id()).copied() {
            return if level + weight.levels > self.deepest + 1 { Err(TOO_DEEP) } else { Ok(weight) };
        }
        if level > self.deepest {
            return Err(TOO_DEEP);
        }
        let mut weight = Weight { elements: 1, levels: 0 };
        for child in node.children().filter(Node::is_element) {
            let child = self.weigh(child, level + 1)?;
            weight.elements = weight.elements.saturating_add(child.elements);
            weight.levels = weight.levels.max(child.levels);
        }
        // A pattern or a marker that a group refers to is drawn for each of its elements.
        let each = weight.elements;
        for referred in self.referred(node) {
            let referred = self.weigh(referred, level + 1)?;
            weight.elements = weight.elements.saturating_add(referred.elements.saturating_mul(each));
            weight.levels = weight.levels.max(referred.levels);
        }
        weight.levels += 1;
        self.weighed.insert(node.id(), weight);
        Ok(weight)
    }

    /// What an element refers to that takes elements to draw. A gradient does not.
    fn referred(&self, node: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
        let mut referred: Vec<Node> = Vec::new();
        for attribute in node.attributes() {
            let value = attribute.value();
            if attribute.name() == "href" && DRAWING.contains(&node.tag_name().name()) {
                referred.extend(value.trim().strip_prefix('#').and_then(|id| self.ids.get(id)));
            } else {
                for url in value.split("url(").skip(1) {
                    let id = url.split(')').next().unwrap_or_default();
                    let id = id.trim_matches(|char: char| char.is_whitespace() || matches!(char, '"' | '\''));
                    referred.extend(id.strip_prefix('#').and_then(|id| self.ids.get(id)));
                }
            }
        }
        referred.retain(|node| !node.tag_name().name().ends_with("Gradient"));
        referred
    }
}
