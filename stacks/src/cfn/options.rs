//! What can be said of a resource beside its properties.

use serde_json::{Map, Value as Json};

use super::logic::Condition;
use super::resource::Handle;

/// What happens to a resource when it leaves the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It is deleted.
    Delete,
    /// It stays.
    Retain,
    /// It stays, unless the deployment that creates it fails: a second attempt
    /// would otherwise find its name taken.
    RetainExceptOnCreate,
    /// It is deleted after a snapshot.
    Snapshot,
}

impl DeletionPolicy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "Delete",
            Self::Retain => "Retain",
            Self::RetainExceptOnCreate => "RetainExceptOnCreate",
            Self::Snapshot => "Snapshot",
        }
    }
}

/// The attributes of a resource for [`Stack::add_with`](super::Stack::add_with).
///
/// ```
/// use stacks::cfn::{Naming, Options, Stack, aws::s3};
///
/// let mut stack = Stack::new("artefacts", &Naming::new("acme", "dev", "eu-west-2"));
/// let logs = stack.add("Logs", s3::Bucket::new());
/// stack.add_with("Files", s3::Bucket::new(), Options::new().retain().depends_on(&logs));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    condition: Option<String>,
    depends_on: Vec<String>,
    deletion: Option<DeletionPolicy>,
    update_replace: Option<DeletionPolicy>,
    metadata: Map<String, Json>,
}

impl Options {
    /// None set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates the resource only when the condition holds.
    pub fn when(mut self, condition: &Condition) -> Self {
        self.condition = Some(condition.0.clone());
        self
    }

    /// Creates the resource after another that it does not refer to.
    pub fn depends_on<R>(mut self, other: &Handle<R>) -> Self {
        self.depends_on.push(other.logical_id().to_owned());
        self
    }

    /// Creates the resource after all of these.
    pub fn depends_on_all<'a, R: 'a>(
        self,
        others: impl IntoIterator<Item = &'a Handle<R>>,
    ) -> Self {
        others.into_iter().fold(self, Self::depends_on)
    }

    /// Keeps what it holds: deleting the stack or replacing the resource leaves it.
    pub fn retain(self) -> Self {
        self.on_delete(DeletionPolicy::RetainExceptOnCreate).on_replace(DeletionPolicy::Retain)
    }

    /// As [`Options::retain`], for what has a fixed name and is protected against deletion:
    /// to undo a failed creation CloudFormation would try to delete it, fail, and leave the
    /// stack stuck. It stays, and the next creation takes it over by its name.
    pub fn retain_always(self) -> Self {
        self.on_delete(DeletionPolicy::Retain).on_replace(DeletionPolicy::Retain)
    }

    /// What happens when the resource leaves the template.
    pub fn on_delete(mut self, policy: DeletionPolicy) -> Self {
        self.deletion = Some(policy);
        self
    }

    /// What happens to the old resource when an update replaces it.
    pub fn on_replace(mut self, policy: DeletionPolicy) -> Self {
        self.update_replace = Some(policy);
        self
    }

    /// Adds metadata.
    pub fn metadata(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// The attributes in the order in which they stand in a template.
    pub(super) fn into_attributes(self) -> Map<String, Json> {
        let mut out = Map::new();
        if let Some(name) = self.condition {
            out.insert("Condition".into(), name.into());
        }
        match &self.depends_on[..] {
            [] => {}
            [one] => drop(out.insert("DependsOn".into(), one.as_str().into())),
            _ => drop(out.insert("DependsOn".into(), self.depends_on.into())),
        }
        for (key, policy) in
            [("DeletionPolicy", self.deletion), ("UpdateReplacePolicy", self.update_replace)]
        {
            if let Some(policy) = policy {
                out.insert(key.into(), policy.as_str().into());
            }
        }
        if !self.metadata.is_empty() {
            out.insert("Metadata".into(), self.metadata.into());
        }
        out
    }
}
