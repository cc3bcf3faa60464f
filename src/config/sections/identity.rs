//! The identity stack.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::{
    IdentitySpec, IssuerKind, IssuerSpec, PipelineProvider, PipelineSpec, StageKind, StageSpec,
    StageStacks,
};

/// Keys, pipelines, and who signs users in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// Projects whose pipelines may plan or deploy, without stored credentials.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<PipelineConfig>,
    /// Who signs users in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<IssuerConfig>,
}

/// A project whose pipelines are let in by OIDC.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineConfig {
    /// Where the project is.
    pub provider: Provider,
    /// The address of a GitLab instance, without a slash at the end. Left out:
    /// GitLab's own, `https://gitlab.com`. GitHub has one address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its full name: owner/repository on GitHub, group/project on GitLab.
    pub project: String,
    /// GitHub only: what stands between `repo:` and the next colon in the subject of
    /// tokens, when that is not the project. Repositories made after 18 June 2026 add
    /// ids, as in octocat-123456/wiki-456789; the repository's OIDC settings show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether the account has the OIDC provider already, from another
    /// environment: it can have one for each address.
    #[serde(default)]
    pub existing_provider: bool,
    /// What its pipelines may do, each with a role of its own.
    pub stages: Vec<StageConfig>,
}

/// Where pipelines run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

/// A stage of a pipeline, bound to one branch.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// Its name, unique in the environment. The role is called
    /// <project>-<environment>-pipeline-<name>.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,28}$"))]
    pub name: String,
    /// The branch that it runs on. No patterns.
    pub branch: String,
    /// The GitHub environment that it runs in. AWS cannot see that of GitLab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What it may do.
    pub kind: Kind,
    /// The stacks that it handles, by their short names. Left out, or `all`: to plan,
    /// every stack; to deploy, every one but those of identity.
    #[serde(default)]
    pub stacks: Stacks,
}

/// What a stage may do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Say what a deploy would do.
    Plan,
    /// Deploy.
    Deploy,
}

/// `all`, or a list of short names.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Stacks {
    /// All that a stage of its kind can handle.
    All(All),
    /// These.
    Only(Vec<String>),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// All that a stage of its kind can handle.
    All,
}

impl Default for Stacks {
    fn default() -> Self {
        Self::All(All::All)
    }
}

/// Who signs users in. What is left out follows from the kind.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Its name, for the SSM parameters below `/<project>/<environment>/identity/issuers/`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]{0,39}$"))]
    pub name: String,
    /// What it is.
    pub kind: Issuers,
    /// Entra: the directory's id, a GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Entra: the application's id, a GUID. `AuthKit`: the environment's client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The `iss` of its tokens, an https address. Only `oidc` has to give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The `aud` of its tokens. Left out: the client id. Only `oidc` has to give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Where its public keys are, an https address. Only `oidc` has to give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// The claim that holds a user's roles. Left out: `roles`, and `role` of `AuthKit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_claim: Option<String>,
    /// The claim that holds the id of a user's tenant. Left out: `tenant_id`, and none
    /// of staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_claim: Option<String>,
    /// Whether it signs in those who run the platform: only then do the roles
    /// Platform.Admin and Platform.Operator count.
    #[serde(default)]
    pub staff: bool,
}

/// What an issuer is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Issuers {
    /// Microsoft Entra ID.
    Entra,
    /// `AuthKit` by `WorkOS`.
    AuthKit,
    /// Any other OIDC issuer.
    Oidc,
}

impl IdentityConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> IdentitySpec {
        IdentitySpec {
            pipelines: self.pipelines.iter().map(PipelineConfig::spec).collect(),
            issuers: self.issuers.iter().map(IssuerConfig::spec).collect(),
        }
    }
}

impl PipelineConfig {
    fn spec(&self) -> PipelineSpec {
        let provider = match self.provider {
            Provider::GitHub => PipelineProvider::GitHub { subject: self.subject.clone() },
            Provider::GitLab => PipelineProvider::GitLab {
                url: self.url.clone().unwrap_or_else(|| PipelineProvider::GITLAB.to_owned()),
            },
        };
        PipelineSpec {
            provider,
            project: self.project.clone(),
            existing_provider: self.existing_provider,
            stages: self.stages.iter().map(StageConfig::spec).collect(),
        }
    }
}

impl StageConfig {
    fn spec(&self) -> StageSpec {
        StageSpec {
            name: self.name.clone(),
            branch: self.branch.clone(),
            environment: self.environment.clone(),
            kind: match self.kind {
                Kind::Plan => StageKind::Plan,
                Kind::Deploy => StageKind::Deploy,
            },
            stacks: match &self.stacks {
                Stacks::All(All::All) => StageStacks::All,
                Stacks::Only(names) => StageStacks::Only(names.clone()),
            },
        }
    }
}

impl IssuerConfig {
    /// What checking its tokens needs: what is given, and what follows from the kind.
    pub fn resolve(&self) -> stacks::spec::Issuer {
        self.spec().resolve()
    }

    fn spec(&self) -> IssuerSpec {
        let client_id = self.client_id.clone().unwrap_or_default();
        let kind = match self.kind {
            Issuers::Entra => IssuerKind::Entra {
                tenant_id: self.tenant_id.clone().unwrap_or_default(),
                client_id,
            },
            Issuers::AuthKit => IssuerKind::AuthKit { client_id },
            Issuers::Oidc => IssuerKind::Oidc,
        };
        IssuerSpec {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            jwks_url: self.jwks_url.clone(),
            role_claim: self.role_claim.clone(),
            tenant_claim: self.tenant_claim.clone(),
            staff: self.staff,
            ..IssuerSpec::new(&self.name, kind)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(text: &str) -> IdentitySpec {
        let indented: String = text.lines().map(|line| format!("  {line}\n")).collect();
        let text = format!(
            "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\nidentity:\n{indented}"
        );
        crate::config::parse("p", &text).expect("good").config.identity.spec()
    }

    #[test]
    fn what_is_left_out_follows() {
        let spec = identity(
            "pipelines:
  - provider: gitlab
    project: acme/wiki
    stages:
      - { name: plan, branch: main, kind: plan }
      - { name: net, branch: main, kind: deploy, stacks: [network] }
issuers:
  - { name: users, kind: authkit, client_id: client_01HXYZ }",
        );
        let pipeline = &spec.pipelines[0];
        assert_eq!(pipeline.provider.url(), PipelineProvider::GITLAB);
        assert_eq!(pipeline.stages[0].stacks, StageStacks::All);
        assert_eq!(pipeline.stages[1].stacks, StageStacks::Only(vec!["network".to_owned()]));
        let issuer = spec.issuers[0].resolve();
        assert_eq!(issuer.jwks_url, "https://api.workos.com/sso/jwks/client_01HXYZ");
        assert_eq!(issuer.role_claim, "role");
        let told = spec.issuers[0].authoriser();
        assert_eq!((told.audience_claim.as_str(), told.staff), ("client_id", false));
        assert_eq!(told.tenant_claim.as_deref(), Some("tenant_id"));
    }

    #[test]
    fn all_is_a_word_and_no_other_is() {
        let stage = |stacks: &str| {
            let text = format!("{{name: plan, branch: main, kind: plan, stacks: {stacks}}}");
            crate::config::parse(
                "p",
                &format!(
                    "version: 1\nproject: acme\nenvironment: dev\nregion: eu-west-2\nidentity:\n  pipelines:\n    - provider: github\n      project: a/b\n      stages: [{text}]\n"
                ),
            )
        };
        assert!(stage("all").is_ok());
        assert!(stage("[efs]").is_ok());
        assert!(stage("every").is_err());
    }
}
