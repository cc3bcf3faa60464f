//! Which tokens of pipelines are let in.

use crate::cfn::Value;
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::spec::{PipelineProvider, PipelineSpec, StageSpec};

/// The audience that GitHub's action asks for.
const GITHUB_AUDIENCE: &str = "sts.amazonaws.com";

/// Condition keys begin with the issuer without its scheme.
pub(super) fn key_prefix(provider: &PipelineProvider) -> &str {
    let url = provider.url();
    url.strip_prefix("https://").unwrap_or(url)
}

/// The audience of the tokens: for GitLab the address of the instance, as its
/// documentation has it.
pub(super) fn audience(provider: &PipelineProvider) -> &str {
    match provider {
        PipelineProvider::GitHub { .. } => GITHUB_AUDIENCE,
        PipelineProvider::GitLab { url } => url,
    }
}

/// Lets in the tokens of one project, branch and environment.
///
/// Of GitHub's claims STS knows more than the subject, which has the branch or the
/// environment and never both
/// (<https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/>);
/// a token that lacks one of them is refused. Of GitLab's it knows the subject alone.
pub(super) fn trust(
    pipeline: &PipelineSpec,
    stage: &StageSpec,
    provider: &Value<String>,
) -> PolicyDocument {
    let prefix = key_prefix(&pipeline.provider);
    let audience = ("aud", audience(&pipeline.provider).to_owned());
    let claims = match &pipeline.provider {
        PipelineProvider::GitHub { subject } => {
            let repository = subject.as_ref().unwrap_or(&pipeline.project);
            let branch = format!("refs/heads/{}", stage.branch);
            let place = match &stage.environment {
                Some(environment) => format!("environment:{environment}"),
                None => format!("ref:{branch}"),
            };
            let environment = stage.environment.clone().map(|name| ("environment", name));
            [
                audience,
                ("sub", format!("repo:{repository}:{place}")),
                ("repository", pipeline.project.clone()),
                ("ref", branch),
            ]
            .into_iter()
            .chain(environment)
            .collect()
        }
        PipelineProvider::GitLab { .. } => {
            let StageSpec { branch, .. } = stage;
            let subject = format!("project_path:{}:ref_type:branch:ref:{branch}", pipeline.project);
            vec![audience, ("sub", subject)]
        }
    };
    let statement = Statement::allow(["sts:AssumeRoleWithWebIdentity"])
        .principal(Principal::federated(provider));
    let statement = claims.into_iter().fold(statement, |statement, (claim, value)| {
        statement.when(Operator::StringEquals, &format!("{prefix}:{claim}"), value)
    });
    PolicyDocument::new([statement])
}
