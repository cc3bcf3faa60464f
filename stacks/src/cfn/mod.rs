//! The typed toolkit: templates that do not compile when they are wrong.
//!
//! A [`Stack`] collects resources; [`Stack::add`] gives a [`Handle`] whose methods
//! are the references to it. The resource types in [`aws`] are generated from the
//! provider schemas in `schemas/`.

mod intrinsic;
mod logic;
mod options;
mod publish;
mod references;
mod resource;
mod stack;
mod tags;
mod template;
mod value;
mod yaml;

pub mod iam;
pub mod schema;

/// The resource types, one module a service, generated from `schemas/`.
#[allow(
    clippy::all,
    clippy::pedantic,
    rustdoc::all,
    unused_mut,
    reason = "generated: its names and texts are AWS's"
)]
#[rustfmt::skip]
pub mod aws {
    include!(concat!(env!("OUT_DIR"), "/aws.rs"));
}

pub use intrinsic::{
    arn, availability_zones, base64, cidr, join, pseudo, select, split, sub, sub_with,
};
pub use logic::{Condition, Mapping, Parameter, Test};
pub use options::{DeletionPolicy, Options};
pub(crate) use publish::camel;
pub use publish::{Importable, Published};
pub use resource::{Handle, Object, Resource};
pub use stack::{Naming, Stack};
pub use template::{DeployParameter, DeployValue, ResourceView, StackTemplate, Template};
pub use value::{Dictionary, Literal, Value};
