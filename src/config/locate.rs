//! Finds the line and column of a field, so that an error about a value can
//! point at it. `serde_yaml` keeps no positions, hence a second, marked parse.

use marked_yaml::types::Node;

/// Line and column, both from 1.
pub type Position = (usize, usize);

/// Positions in one YAML text.
#[derive(Debug, Clone)]
pub struct Positions {
    root: Option<Node>,
}

/// One segment of a field path: `reserved_cidrs[0]` is a key and an index.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Key(String),
    Index(usize),
}

impl Positions {
    /// Reads the positions of `text`; of an unreadable text nothing is found.
    pub(super) fn of(text: &str) -> Self {
        Self { root: marked_yaml::parse_yaml(0, text).ok() }
    }

    /// Where the key of the field `path` (`network.cidr`) stands, or that of its
    /// nearest ancestor when the file does not mention it.
    pub fn of_field(&self, path: &str) -> Option<Position> {
        let mut node = self.root.as_ref()?;
        let mut found = None;
        for segment in segments(path) {
            match segment {
                Segment::Key(key) => {
                    let Some(mapping) = node.as_mapping() else { break };
                    let Some((name, value)) = mapping.iter().find(|(name, _)| ***name == *key)
                    else {
                        break;
                    };
                    found = name.span().start().map(|mark| (mark.line(), mark.column())).or(found);
                    node = value;
                }
                Segment::Index(index) => {
                    let Some(item) = node.as_sequence().and_then(|list| list.get_node(index))
                    else {
                        break;
                    };
                    found = item.span().start().map(|mark| (mark.line(), mark.column())).or(found);
                    node = item;
                }
            }
        }
        found
    }
}

/// A field path, taken apart.
pub(super) fn segments(path: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (key, rest) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
        if !key.is_empty() {
            segments.push(Segment::Key(key.to_owned()));
        }
        segments.extend(
            rest.split('[')
                .filter_map(|index| index.trim_end_matches(']').parse().ok())
                .map(Segment::Index),
        );
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keys_items_and_the_nearest_ancestor() {
        let positions = Positions::of("a: 1\nb:\n  c:\n    - x\n    - y\n");
        assert_eq!(positions.of_field("a"), Some((1, 1)));
        assert_eq!(positions.of_field("b.c"), Some((3, 3)));
        assert_eq!(positions.of_field("b.c[1]"), Some((5, 7)));
        assert_eq!(positions.of_field("b.missing"), Some((2, 1)));
        assert_eq!(positions.of_field("missing"), None);
    }
}
