//! Makes a tree of the events of a parser, with bounds on its depth and on what aliases add.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Entry, Kind, MAX_DEPTH, MAX_EXPANDED, Mark, Node, too_deep};
use crate::error::{Error, Result};

/// Functions whose short form is a tag. `Ref` and `Condition` have no `Fn::`.
const FUNCTIONS: [&str; 25] = [
    "And",
    "Base64",
    "Cidr",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "Equals",
    "FindInMap",
    "ForEach",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "RefAll",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
    "ValueOf",
    "ValueOfAll",
];

/// A node that has been begun and not ended.
struct Open {
    mark: Mark,
    tag: Option<String>,
    anchor: usize,
    /// Bytes of its text so far, roughly: what a copy of it would add.
    weight: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        keys: HashSet<String>,
        key: Option<(String, Mark)>,
        merged: Vec<Node>,
    },
}

/// Takes events, gives a [`Node`].
pub(super) struct Builder<'a> {
    file: &'a str,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, (Node, usize)>,
    expanded: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self { file, open: Vec::new(), root: None, anchors: HashMap::new(), expanded: 0 }
    }

    pub(super) fn begin_list(
        &mut self,
        mark: Mark,
        tag: Option<String>,
        anchor: usize,
    ) -> Result<()> {
        self.begin(mark, tag, anchor, OpenKind::List(Vec::new()))
    }

    pub(super) fn begin_map(
        &mut self,
        mark: Mark,
        tag: Option<String>,
        anchor: usize,
    ) -> Result<()> {
        let kind = OpenKind::Map {
            entries: Vec::new(),
            keys: HashSet::new(),
            key: None,
            merged: Vec::new(),
        };
        self.begin(mark, tag, anchor, kind)
    }

    fn begin(
        &mut self,
        mark: Mark,
        tag: Option<String>,
        anchor: usize,
        kind: OpenKind,
    ) -> Result<()> {
        if self.open.len() == MAX_DEPTH {
            return Err(too_deep(self.file, mark));
        }
        if self.expects_key() {
            return Err(self.odd_key(mark));
        }
        self.open.push(Open { mark, tag, anchor, weight: 2, kind });
        Ok(())
    }

    /// Whether a scalar would now be a key.
    pub(super) fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: OpenKind::Map { key: None, .. }, .. }))
    }

    /// Ends the list or mapping that was begun last.
    pub(super) fn end(&mut self) -> Result<()> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let kind = match open.kind {
            OpenKind::List(items) => Kind::List(items),
            OpenKind::Map { mut entries, mut keys, merged, .. } => {
                for node in merged {
                    merge(self.file, &mut entries, &mut keys, node)?;
                }
                Kind::Map(entries)
            }
        };
        self.complete(Node { mark: open.mark, kind }, open.tag, open.anchor, open.weight)
    }

    pub(super) fn scalar(
        &mut self,
        mark: Mark,
        value: Value,
        tag: Option<String>,
        anchor: usize,
    ) -> Result<()> {
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if let Some(Open {
            kind: OpenKind::Map { keys, key: key @ None, .. },
            weight,
            mark: begin,
            ..
        }) = self.open.last_mut()
            && tag.is_none()
        {
            *weight += text.len() + 2;
            // A mapping begins with its first key, not at the colon after it.
            if (mark.line, mark.column) < (begin.line, begin.column) {
                *begin = mark;
            }
            // `<<` may stand more than once and is no key.
            if text != "<<" && !keys.insert(text.clone()) {
                return Err(self.twice(&text, mark));
            }
            *key = Some((text, mark));
            return Ok(());
        }
        let weight = text.len() + 2;
        self.complete(Node { mark, kind: Kind::Scalar(value) }, tag, anchor, weight)
    }

    /// A copy of what has the anchor.
    pub(super) fn alias(&mut self, mark: Mark, anchor: usize) -> Result<()> {
        let Some((node, weight)) = self.anchors.get(&anchor) else {
            return Err(Error::usage("this alias stands within what it refers to")
                .at(mark.place(self.file, ""))
                .hint(
                    "write the value out; CloudFormation has no values that contain themselves",
                ));
        };
        self.expanded += weight;
        if self.expanded > MAX_EXPANDED {
            let most = MAX_EXPANDED;
            return Err(Error::usage(format!("aliases expand to more than {most} bytes"))
                .at(mark.place(self.file, ""))
                .hint("write the values out; CloudFormation itself takes no more than 1 MB"));
        }
        let weight = *weight;
        let mut node = node.clone();
        // A copy is where its alias is; what is in it is where it was written.
        node.mark = mark;
        if self.open.len() + deepest(&node).0 > MAX_DEPTH {
            return Err(too_deep(self.file, mark));
        }
        self.place(node, weight)
    }

    /// The document.
    pub(super) fn finish(self) -> Result<Node> {
        let root = self.root.ok_or_else(|| {
            Error::usage("the file is empty")
                .at(Mark { line: 1, column: 1 }.place(self.file, ""))
                .hint("expected a CloudFormation template, as JSON or YAML")
        })?;
        // A tag is one more level in its long form.
        match deepest(&root) {
            (depth, mark) if depth > MAX_DEPTH => Err(too_deep(self.file, mark)),
            _ => Ok(root),
        }
    }

    fn complete(
        &mut self,
        node: Node,
        tag: Option<String>,
        anchor: usize,
        weight: usize,
    ) -> Result<()> {
        let node = match tag {
            Some(tag) => long_form(self.file, &tag, node)?,
            None => node,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        self.place(node, weight)
    }

    /// Puts a complete node where it belongs.
    fn place(&mut self, node: Node, added: usize) -> Result<()> {
        let mark = node.mark;
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.weight += added;
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, key, merged, .. } => match key.take() {
                Some((name, _)) if name == "<<" => merged.push(node),
                Some((key, key_mark)) => entries.push(Entry { key, key_mark, value: node }),
                None => return Err(self.odd_key(mark)),
            },
        }
        Ok(())
    }

    fn odd_key(&self, mark: Mark) -> Error {
        Error::usage("this key is no plain text").at(mark.place(self.file, "")).hint(
            "the keys of a template are names; quote text that begins with `!`, `{`, `[` or `*`",
        )
    }

    fn twice(&self, key: &str, mark: Mark) -> Error {
        let entries = match self.open.last().map(|open| &open.kind) {
            Some(OpenKind::Map { entries, .. }) => entries.as_slice(),
            _ => &[],
        };
        let first = entries.iter().find(|entry| entry.key == key).map_or(0, |it| it.key_mark.line);
        Error::usage(format!("key `{key}` stands here again; first in line {first}"))
            .at(mark.place(self.file, ""))
            .hint("remove one: which of the two counts depends on who reads the file")
    }
}

/// How many levels a node has, and where the last of them is.
fn deepest(node: &Node) -> (usize, Mark) {
    let below = node.items().iter().chain(node.entries().iter().map(|it| &it.value));
    let deepest = below.map(deepest).max_by_key(|(depth, _)| *depth);
    deepest.map_or((1, node.mark), |(depth, mark)| (depth + 1, mark))
}

/// `<<: *defaults`: the keys of another mapping, or of several; own keys win.
fn merge(
    file: &str,
    entries: &mut Vec<Entry>,
    keys: &mut HashSet<String>,
    node: Node,
) -> Result<()> {
    match node.kind {
        Kind::Map(others) => {
            entries.extend(others.into_iter().filter(|other| keys.insert(other.key.clone())));
            Ok(())
        }
        Kind::List(nodes) if nodes.iter().all(|node| matches!(node.kind, Kind::Map(_))) => {
            nodes.into_iter().try_for_each(|node| merge(file, entries, keys, node))
        }
        _ => Err(Error::usage(format!("`<<` takes a mapping, not {}", node.what()))
            .at(node.mark.place(file, ""))),
    }
}

/// `!Sub x` is `Fn::Sub: x`.
fn long_form(file: &str, tag: &str, node: Node) -> Result<Node> {
    let mark = node.mark;
    let (name, node) = match (tag, node.as_str().and_then(|text| text.split_once('.'))) {
        ("Ref" | "Condition", _) => (tag.to_owned(), node),
        ("GetAtt", Some((id, attribute))) => {
            let text = |text: &str| Node { mark, kind: Kind::Scalar(Value::from(text)) };
            let kind = Kind::List(vec![text(id), text(attribute)]);
            ("Fn::GetAtt".to_owned(), Node { mark, kind })
        }
        _ if FUNCTIONS.contains(&tag) => (format!("Fn::{tag}"), node),
        _ => return Err(unknown_tag(file, tag, mark)),
    };
    let entry = Entry { key: name, key_mark: mark, value: node };
    Ok(Node { mark, kind: Kind::Map(vec![entry]) })
}

fn unknown_tag(file: &str, tag: &str, mark: Mark) -> Error {
    let names = FUNCTIONS.into_iter().chain(["Ref", "Condition"]);
    let nearest =
        names.max_by(|a, b| strsim::jaro_winkler(a, tag).total_cmp(&strsim::jaro_winkler(b, tag)));
    let error = Error::usage(format!("tag !{tag} is no intrinsic function of CloudFormation"))
        .at(mark.place(file, ""));
    match nearest {
        Some(nearest) => error.hint(format!("did you mean `!{nearest}`?")),
        None => error,
    }
}
