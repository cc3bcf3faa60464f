//! What drawings share: families of services and their colours, and how wide a text is.

/// A family of services that share a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Family(usize);

/// Name, colour on light, colour on dark.
const FAMILIES: [(&str, &str, &str); 8] = [
    ("Compute", "#e8710a", "#ff9d4d"),
    ("Network", "#7b4dd6", "#a98bf5"),
    ("Data", "#2e8540", "#5fc27a"),
    ("Security", "#d13438", "#ff7b7f"),
    ("Messages and API", "#c2257f", "#f77fc0"),
    ("Operations", "#2067d6", "#6ea8ff"),
    ("Agents", "#0b8a8a", "#4fd1cf"),
    ("Other", "#6b7480", "#9aa5b3"),
];

impl Family {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..FAMILIES.len()).map(Self)
    }

    /// The family of a resource type.
    pub(super) fn of(type_name: &str) -> Self {
        let service = type_name.split("::").nth(1).unwrap_or_default();
        Self(match service {
            "Lambda" | "ECS" | "AutoScaling" | "Batch" => 0,
            "EC2" | "CloudFront" | "Route53" | "ElasticLoadBalancingV2" => 1,
            "S3" | "EFS" | "DynamoDB" | "RDS" | "KinesisFirehose" => 2,
            "IAM" | "KMS" | "SecretsManager" | "WAFv2" | "Cognito" | "CertificateManager" => 3,
            "SQS" | "SNS" | "Events" | "Scheduler" | "ApiGateway" | "StepFunctions" => 4,
            "Logs" | "CloudWatch" | "XRay" | "SSM" | "Budgets" | "CodeDeploy" => 5,
            "BedrockAgentCore" | "Bedrock" => 6,
            _ => 7,
        })
    }

    pub(super) fn name(self) -> &'static str {
        FAMILIES[self.0].0
    }

    /// The class that drawings give it.
    pub(super) fn class(self) -> String {
        format!("f{}", self.0)
    }
}

/// One set of colours.
struct Colours {
    page: &'static str,
    region: &'static str,
    frame: &'static str,
    card: &'static str,
    line: &'static str,
    text: &'static str,
    muted: &'static str,
    import: &'static str,
    deploy: &'static str,
}

const LIGHT: Colours = Colours {
    page: "#f4f6fa",
    region: "#fbfcfe",
    frame: "#f3f6fb",
    card: "#ffffff",
    line: "#cfd7e3",
    text: "#17202c",
    muted: "#5c6878",
    import: "#3f6fd8",
    deploy: "#c77700",
};

const DARK: Colours = Colours {
    page: "#0e1319",
    region: "#131a22",
    frame: "#19222c",
    card: "#222e3a",
    line: "#33404e",
    text: "#e8eef5",
    muted: "#98a6b5",
    import: "#7ba6ff",
    deploy: "#f0b048",
};

/// The rules of a drawing: light, and dark where the reader's system is. Plain
/// colours, not variables: not every viewer of pictures knows those.
pub(super) fn css() -> String {
    format!(
        "{SHAPES}{}@media (prefers-color-scheme: dark) {{\n{}}}\n",
        rules("", false),
        rules("", true)
    )
}

/// The same for a page on which the reader chooses: `data-theme` of the root.
pub(super) fn css_with_choice() -> String {
    let dark = rules(":root:not([data-theme=light]) ", true);
    let chosen = rules(":root[data-theme=dark] ", true);
    let light = rules("", false);
    format!("{SHAPES}{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n{chosen}")
}

const SHAPES: &str = "\
text { font-family: 'Inter', 'Segoe UI', system-ui, -apple-system, Roboto, sans-serif; }
.edge path { fill: none; stroke-width: 1.6; }
.edge.inner path { stroke-width: 1.1; opacity: .5; }
.edge.order path, .edge.depends-on path { stroke-dasharray: 5 4; }
.edge.deploy-value path { stroke-width: 2.2; }
.edge text { font-size: 10.5px; paint-order: stroke; stroke-width: 5px; stroke-linejoin: round; }
.title { font-weight: 650; }
.region > rect { stroke-width: 1.2; }
.card { stroke-width: 1; }
.outside .card, .parameter .card { stroke-dasharray: 4 3; }
";

fn rules(root: &str, dark: bool) -> String {
    let Colours { page, region, frame, card, line, text, muted, import, deploy } =
        if dark { DARK } else { LIGHT };
    let mut rules = String::new();
    for (selector, what) in [
        (".page", format!("fill: {page}")),
        (".region > rect", format!("fill: {region}; stroke: {line}")),
        (".card", format!("fill: {card}; stroke: {line}")),
        (".frame .card", format!("fill: {frame}")),
        (".badge", format!("fill: {page}")),
        ("text", format!("fill: {text}")),
        ("text.muted, .muted text", format!("fill: {muted}")),
        (".edge text", format!("fill: {muted}; stroke: {region}")),
        (".edge path", format!("stroke: {muted}")),
        (".edge.import path", format!("stroke: {import}")),
        (".edge.deploy-value path", format!("stroke: {deploy}")),
        (".tip", format!("fill: {muted}")),
        (".tip.import", format!("fill: {import}")),
        (".tip.deploy-value", format!("fill: {deploy}")),
    ] {
        let selectors: Vec<_> = selector.split(", ").map(|one| format!("{root}{one}")).collect();
        rules.push_str(&format!("{} {{ {what}; }}\n", selectors.join(", ")));
    }
    for (index, (_, on_light, on_dark)) in FAMILIES.iter().enumerate() {
        let colour = if dark { on_dark } else { on_light };
        rules.push_str(&format!("{root}.f{index} {{ fill: {colour}; }}\n"));
        rules.push_str(&format!(
            "{root}.edge.inner.f{index} path {{ stroke: {colour}; fill: none; }}\n"
        ));
    }
    rules
}

/// About how wide a text is, in pixels; generous, since the font is the reader's.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let of = |character: char| match character {
        'i' | 'j' | 'l' | 'I' | 't' | 'f' | 'r' | '.' | ',' | ':' | ' ' | '/' | '-' | '(' | ')' => {
            0.36
        }
        'm' | 'w' | 'M' | 'W' | '@' => 0.9,
        'A'..='Z' | '0'..='9' => 0.66,
        // Scripts with wide characters.
        '\u{1100}'.. => 1.0,
        _ => 0.58,
    };
    text.chars().map(of).sum::<f64>() * size
}

/// As much of `text` as fits, with an ellipsis when that is not all.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = width("…", size);
    for character in text.chars() {
        used += width(&character.to_string(), size);
        if used > room {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

/// A count as a measure. Counts of nodes are far below where it would be wrong.
pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(fit("short", 10.0, 100.0), "short");
        let cut = fit("a-very-long-logical-identifier", 10.0, 60.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 60.0, "{cut}");
    }

    #[test]
    fn every_vendored_type_has_a_family_of_its_own_service() {
        assert_eq!(Family::of("AWS::EC2::VPC").name(), "Network");
        assert_eq!(Family::of("AWS::BedrockAgentCore::Runtime").name(), "Agents");
        assert_eq!(Family::of("Custom::Thing").name(), "Other");
        assert_eq!(Family::of("").name(), "Other");
    }
}
