//! Inputs of the identity stack.

use runtime_core::auth;
use runtime_core::tables::TENANT_ID;

/// Keys, pipelines, and who signs users in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentitySpec {
    /// Projects whose pipelines may plan or deploy, without stored credentials.
    pub pipelines: Vec<PipelineSpec>,
    /// Who signs users in.
    pub issuers: Vec<IssuerSpec>,
}

impl IdentitySpec {
    /// Whether a pipeline deploys: then every role has a permissions boundary.
    pub fn deploys(&self) -> bool {
        let mut stages = self.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
        stages.any(|stage| stage.kind == StageKind::Deploy)
    }
}

/// A project whose pipelines are let in by OIDC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSpec {
    /// Where the project is.
    pub provider: PipelineProvider,
    /// Its full name: `owner/repository` on GitHub, `group/project` on GitLab.
    pub project: String,
    /// Whether the account has the OIDC provider already: it can have one for
    /// each address, and that of another environment serves this one, too.
    pub existing_provider: bool,
    /// What its pipelines may do, each with a role of its own.
    pub stages: Vec<StageSpec>,
}

/// Where pipelines run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineProvider {
    /// GitHub Actions.
    GitHub {
        /// What stands after `repo:` in the subject of tokens, when that is not the
        /// project: repositories made after 18 June 2026 add the ids of owner and
        /// repository, as in `octocat-123456/wiki-456789`
        /// (<https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens>).
        subject: Option<String>,
    },
    /// GitLab CI.
    GitLab {
        /// The address of the instance, without a slash at the end.
        url: String,
    },
}

impl PipelineProvider {
    /// The address of GitLab's own instance.
    pub const GITLAB: &'static str = "https://gitlab.com";

    /// The issuer of the tokens.
    pub fn url(&self) -> &str {
        match self {
            Self::GitHub { .. } => "https://token.actions.githubusercontent.com",
            Self::GitLab { url } => url,
        }
    }
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpec {
    /// Its name, unique in the environment; the role is called
    /// `<project>-<environment>-pipeline-<name>`.
    pub name: String,
    /// The branch that it runs on.
    pub branch: String,
    /// The GitHub environment that it runs in.
    pub environment: Option<String>,
    /// What it may do.
    pub kind: StageKind,
    /// The stacks that it handles.
    pub stacks: StageStacks,
}

/// What a stage may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageKind {
    /// Say what a deploy would do.
    Plan,
    /// Deploy.
    Deploy,
}

/// The stacks of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageStacks {
    /// All that a stage of its kind can handle: to plan, every stack; to deploy, every
    /// one but those of identity.
    All,
    /// These, by their short names.
    Only(Vec<String>),
}

/// Who signs users in. What is left out follows from the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSpec {
    /// Its name, for the SSM parameters that hold the rest.
    pub name: String,
    /// What it is.
    pub kind: IssuerKind,
    /// The `iss` of its tokens.
    pub issuer: Option<String>,
    /// The `aud` of its tokens; of `AuthKit`, which has none, the `client_id`.
    pub audience: Option<String>,
    /// Where its public keys are.
    pub jwks_url: Option<String>,
    /// The claim that holds a user's roles.
    pub role_claim: Option<String>,
    /// The claim that holds a user's tenant: its id, as the platform knows it.
    pub tenant_claim: Option<String>,
    /// Whether it signs in those who run the platform: only then do the roles
    /// `Platform.Admin` and `Platform.Operator` count.
    pub staff: bool,
}

/// What an issuer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerKind {
    /// Microsoft Entra ID, tokens of version 2.
    Entra {
        /// The directory's id, a GUID.
        tenant_id: String,
        /// The application's id, a GUID.
        client_id: String,
    },
    /// `AuthKit` by `WorkOS`.
    AuthKit {
        /// The environment's client id, such as `client_01HXYZ`.
        client_id: String,
    },
    /// Any other OIDC issuer, of which everything is given.
    Oidc,
}

/// Everything that checking a user's token needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// Where its public keys are.
    pub jwks_url: String,
    /// The claim that holds a user's roles.
    pub role_claim: String,
}

impl IssuerSpec {
    /// What is given, and what follows from the kind for the rest; empty where neither
    /// says anything, which synthesis refuses.
    ///
    /// ```
    /// use stacks::spec::{IssuerKind, IssuerSpec};
    ///
    /// let tenant_id = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490".to_owned();
    /// let client_id = "00001111-aaaa-2222-bbbb-3333cccc4444".to_owned();
    /// let kind = IssuerKind::Entra { tenant_id, client_id };
    /// let issuer = IssuerSpec::new("staff", kind).resolve();
    /// assert_eq!(
    ///     issuer.jwks_url,
    ///     "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/discovery/v2.0/keys"
    /// );
    /// ```
    pub fn resolve(&self) -> Issuer {
        let [issuer, audience, jwks_url, role_claim] = match &self.kind {
            // https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens
            IssuerKind::Entra { tenant_id, client_id } => {
                let host = format!("https://login.microsoftonline.com/{tenant_id}");
                [
                    format!("{host}/v2.0"),
                    client_id.clone(),
                    format!("{host}/discovery/v2.0/keys"),
                    "roles".to_owned(),
                ]
            }
            // https://workos.com/docs/reference/authkit/session-tokens
            IssuerKind::AuthKit { client_id } => [
                format!("https://api.workos.com/user_management/{client_id}"),
                client_id.clone(),
                format!("https://api.workos.com/sso/jwks/{client_id}"),
                "role".to_owned(),
            ],
            IssuerKind::Oidc => [String::new(), String::new(), String::new(), "roles".to_owned()],
        };
        Issuer {
            issuer: self.issuer.clone().unwrap_or(issuer),
            audience: self.audience.clone().unwrap_or(audience),
            jwks_url: self.jwks_url.clone().unwrap_or(jwks_url),
            role_claim: self.role_claim.clone().unwrap_or(role_claim),
        }
    }

    /// What the authoriser is told. Users of staff's issuers belong to no tenant, unless
    /// a claim is named that says so; those of others do by `tenant_id`.
    pub fn authoriser(&self) -> auth::IssuerConfig {
        let Issuer { issuer, audience, jwks_url, role_claim } = self.resolve();
        let usual = (!self.staff).then(|| TENANT_ID.to_owned());
        let mut config = auth::IssuerConfig::new(&self.name, issuer, audience, jwks_url);
        config.role_claim = role_claim;
        config.tenant_claim = self.tenant_claim.clone().or(usual);
        config.staff = self.staff;
        if matches!(self.kind, IssuerKind::AuthKit { .. }) {
            // https://workos.com/docs/reference/authkit/session-tokens
            "client_id".clone_into(&mut config.audience_claim);
            config.type_optional = true;
        }
        config
    }

    /// An issuer of which everything follows from its kind.
    pub fn new(name: &str, kind: IssuerKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            issuer: None,
            audience: None,
            jwks_url: None,
            role_claim: None,
            tenant_claim: None,
            staff: false,
        }
    }
}
