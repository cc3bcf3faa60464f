//! The artefacts stack: where templates, Lambda zips and reports are kept.

use crate::cfn::{Naming, Published, Stack};
use crate::construct::bucket::OurBucket;

/// Old versions of an artefact are kept this long: enough to roll back by.
const OLD_VERSION_DAYS: i64 = 90;

/// What the stack gives to others.
#[derive(Debug)]
pub struct Artefacts {
    /// The bucket's name.
    pub bucket: Published<String>,
    /// The stack itself.
    pub stack: Stack,
}

/// One private, versioned bucket that survives its stack.
///
/// ```
/// use stacks::{artefacts::artefacts, cfn::Naming};
///
/// let template = artefacts(&Naming::new("acme", "dev", "eu-west-2")).stack.finish().template;
/// assert!(template.resource("ArtefactBucket").is_some());
/// ```
pub fn artefacts(naming: &Naming) -> Artefacts {
    let mut stack = Stack::new("artefacts", naming);
    stack.describe("Templates, Lambda zips and reports");
    fill(stack)
}

/// The same in the runtime region, for the functions there: Lambda takes zips out of
/// buckets of its own region only. The bucket's name ends with its region.
pub fn runtime_artefacts(naming: &Naming) -> Artefacts {
    let mut stack = Stack::new(RUNTIME_ARTEFACTS, naming);
    stack.describe("Lambda zips of the region in which agents run");
    fill(stack)
}

/// The name of the stack that holds the artefact bucket of the runtime region, when that
/// is another one than the home region and has functions.
pub const RUNTIME_ARTEFACTS: &str = "runtime-artefacts";

fn fill(mut stack: Stack) -> Artefacts {
    let bucket = OurBucket::new("ArtefactBucket", "artefacts", OLD_VERSION_DAYS).add(&mut stack);
    Artefacts { bucket: stack.publish("bucket-name", bucket.id()), stack }
}
