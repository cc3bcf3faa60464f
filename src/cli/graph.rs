use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Ctx;
use super::context::choose;
use crate::error::{Context as _, Result};
use crate::graph::{Detail, Drawing, Graph, NodeKind};
use crate::ui::{Align, Block, Format, Report, Table};

/// Draw the stacks and what flows between them
///
/// Read from the synthesized templates; nothing is sent anywhere. An arrow points
/// from what is needed to what needs it. -o json has the nodes and edges as data.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  platformctl graph                               a Mermaid flowchart of all stacks\n  platformctl graph efs                           of efs and what it needs\n  platformctl graph --resources --out platform.html\n                                                  a page to explore, with every resource\n  platformctl graph --format dot | dot -Tpdf > platform.pdf\n  platformctl graph -o json --query \"edges[?kind=='import']\""
)]
pub struct GraphArgs {
    /// Stacks to draw, with what they need; default: all
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// How it is drawn; default: what the ending of FILE says, or mermaid
    #[arg(long, value_enum)]
    format: Option<Drawing>,
    /// Draw the resources of each stack too, and what refers to what
    #[arg(long)]
    resources: bool,
    /// Write to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A graph, and where its drawing was written.
#[derive(Debug)]
pub struct GraphReport {
    graph: Graph,
    drawing: Drawing,
    file: Option<PathBuf>,
}

/// Mermaid's default `maxEdges`; pages such as GitHub's do not let it be raised.
const MERMAID_EDGES: usize = 500;

/// Runs `graph`.
pub fn run(ctx: &Ctx, args: &GraphArgs) -> Result<GraphReport> {
    let templates = choose(ctx.settings()?.synthesize()?, &args.stacks)?;
    let detail = if args.resources { Detail::Resources } else { Detail::Stacks };
    let graph = Graph::of(&templates, detail);
    let from_ending = args.out.as_deref().and_then(by_ending);
    let drawing = args.format.or(from_ending).unwrap_or(Drawing::Mermaid);
    if drawing == Drawing::Mermaid && graph.edges.len() > MERMAID_EDGES {
        ctx.events.warn(format!(
            "{} edges: many viewers of Mermaid refuse more than {MERMAID_EDGES}; \
             --format svg and html have no limit",
            graph.edges.len()
        ));
    }
    if let Some(file) = &args.out {
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(file, graph.draw(drawing))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(GraphReport { graph, drawing, file: args.out.clone() })
}

fn by_ending(file: &Path) -> Option<Drawing> {
    match file.extension()?.to_str()? {
        "svg" => Some(Drawing::Svg),
        "html" | "htm" => Some(Drawing::Html),
        "dot" | "gv" => Some(Drawing::Dot),
        "mmd" | "mermaid" => Some(Drawing::Mermaid),
        _ => None,
    }
}

impl Report for GraphReport {
    fn value(&self) -> Value {
        self.graph.value()
    }

    fn special(&self, format: Format) -> Option<String> {
        match (format, &self.file) {
            (Format::Text, None) => Some(self.graph.draw(self.drawing)),
            (Format::Markdown, None) => {
                Some(format!("```mermaid\n{}```\n", self.graph.draw(Drawing::Mermaid)))
            }
            _ => None,
        }
    }

    fn is_content(&self) -> bool {
        true
    }

    fn blocks(&self) -> Vec<Block> {
        let mut table = Table::new(&[
            ("stacks", Align::Right),
            ("resources", Align::Right),
            ("edges", Align::Right),
            ("file", Align::Left),
        ]);
        let resources: usize = self.graph.nodes.iter().map(crate::graph::Node::resources).sum();
        let file = self.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        table.row([
            self.graph.count(NodeKind::Stack).to_string(),
            resources.to_string(),
            self.graph.edges.len().to_string(),
            file,
        ]);
        vec![Block::Table(table)]
    }
}
