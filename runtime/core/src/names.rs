//! Names that stacks, Lambdas and the CLI must agree on.

/// Environment variable of `git-store`: the folder that holds the repositories,
/// one `<wiki>.git` each. On AWS it is the mount path of the EFS access point.
pub const STORE_ROOT: &str = "STORE_ROOT";

/// Environment variable of every Lambda: the log filter, in the syntax of
/// `tracing_subscriber::EnvFilter`. Absent means `info`.
pub const LOG_FILTER: &str = "LOG_FILTER";

/// Environment variable of the platform's Lambdas: `<project>-<environment>`, by which
/// they know the names of tables.
pub const NAME_PREFIX: &str = "NAME_PREFIX";

/// Environment variable: the name of the bucket of results, one prefix a tenant.
pub const RESULTS_BUCKET: &str = "RESULTS_BUCKET";

/// Environment variable: the name of the bucket of the audit trail.
pub const AUDIT_BUCKET: &str = "AUDIT_BUCKET";

/// Environment variable: the name of the event bus.
pub const EVENT_BUS: &str = "EVENT_BUS";

/// Environment variable: the ARN of the role that a function takes to act for one
/// tenant, in a session that is tagged with the tenant's id (the tag's key is
/// [`TENANT_ID`](crate::tables::TENANT_ID)).
pub const TENANT_ROLE: &str = "TENANT_ROLE";

/// Environment variable of the provisioner: what it makes the stacks of tenants from, as
/// JSON (`stacks::tenant::Tenancy`).
pub const TENANCY: &str = "TENANCY";

/// Environment variable of the provisioner: the ARN of the role that CloudFormation takes
/// for the stacks of tenants.
pub const TENANT_STACKS_ROLE: &str = "TENANT_STACKS_ROLE";

/// The prefix of the secrets of tenants' webhooks, below `<project>-<environment>/`.
pub const WEBHOOK_SECRETS: &str = "webhooks";

/// Base name of the function that keeps wikis as git repositories. A deployed
/// function is called `<project>-<environment>-git-store`.
pub const GIT_STORE: &str = "git-store";

/// The branch that holds a wiki's pages; `HEAD` of every repository points to it.
pub const DEFAULT_BRANCH: &str = "main";

/// Suffix of a repository's folder under the store's root.
pub const REPOSITORY_SUFFIX: &str = ".git";

/// Tag that names the project a resource belongs to.
pub const TAG_PROJECT: &str = "project";

/// Tag that names the environment (`dev`, `prod`, …) a resource belongs to.
pub const TAG_ENVIRONMENT: &str = "environment";

/// Tag that names the stack which made a resource.
pub const TAG_STACK: &str = "stack";

/// Tag that names the tenant a resource belongs to. Also the dimension by which metrics
/// of the namespace `<project>-<environment>` are split, and the key of the encryption
/// context of what is encrypted for a tenant.
pub const TAG_TENANT: &str = "tenant";

/// Prefix of tenants' objects in the bucket of results: the tenant's id and `/` follow.
/// A tenant's own role reaches nothing outside.
pub const RESULTS_PREFIX: &str = "tenants/";

/// Environment variable: the tiers whose tenants have a stack of their own, with commas
/// between them.
pub const SILOED_TIERS: &str = "SILOED_TIERS";

/// Environment variable: the ARN of the key that encrypts secrets.
pub const SECRETS_KEY: &str = "SECRETS_KEY";

/// The prefix of the secrets with tenants' API keys, below `<project>-<environment>/`;
/// the tenant's id follows.
pub const API_KEY_SECRETS: &str = "api-keys";

/// Prefix of records of access in the bucket of the audit trail. `tenants/<id>/` or
/// `platform/` follows, then the day, then the record.
pub const ACCESS_PREFIX: &str = "access/";

/// The prefix of records of changes in the bucket of the audit trail: who changed what,
/// and why. `tenants/<id>/`, the day and the record follow.
pub const CHANGES_PREFIX: &str = "changes/";

/// The header with the reason for a change, kept in the audit trail.
pub const REASON_HEADER: &str = "x-platformctl-reason";

/// Environment variable: the path of the platform's SSM parameters, such as
/// `/acme/dev/platform`; a slash and the name follow.
pub const PARAMETERS: &str = "PARAMETERS";
