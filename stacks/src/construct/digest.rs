//! A short name for a value.

use std::hash::Hasher;

use fnv::FnvHasher;

/// 16 hexadecimal digits that change when the text does. For names that have to be
/// new ones then; it is no protection against somebody who wants a collision.
pub(crate) fn short(text: &str) -> String {
    let mut hasher = FnvHasher::default();
    hasher.write(text.as_bytes());
    format!("{:016x}", hasher.finish())
}
