//! Deltas: an object as a change of another one, as packs have them.
//!
//! Consolidated packs hold most trees so: a commit changes one entry of each folder
//! on its page's path, and the rest of these trees is as it was.

use crate::error::{Error, Result};

/// What one instruction can copy at most, in bytes.
const COPY: usize = 0x00ff_ffff;
/// What one instruction can insert at most, in bytes.
const INSERT: usize = 0x7f;

/// The delta that makes `target` of `base`: what both begin and end with is copied.
/// `None` if the delta would be no smaller than half of the target.
pub(crate) fn encode(base: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let prefix = base.iter().zip(target).take_while(|(a, b)| a == b).count();
    let suffix = (base[prefix..].iter().rev())
        .zip(target[prefix..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let inserted = &target[prefix..target.len() - suffix];
    if inserted.len() > target.len() / 2 {
        return None;
    }
    let mut delta = Vec::with_capacity(inserted.len() + 40);
    size(base.len(), &mut delta);
    size(target.len(), &mut delta);
    copy(0, prefix, &mut delta);
    for part in inserted.chunks(INSERT) {
        delta.push(u8::try_from(part.len()).unwrap_or(0));
        delta.extend_from_slice(part);
    }
    copy(base.len() - suffix, suffix, &mut delta);
    (delta.len() <= target.len() / 2).then_some(delta)
}

/// Seven bits a byte, the lowest first.
fn size(mut size: usize, delta: &mut Vec<u8>) {
    loop {
        let bits = u8::try_from(size & 0x7f).unwrap_or(0);
        size >>= 7;
        if size == 0 {
            delta.push(bits);
            return;
        }
        delta.push(bits | 0x80);
    }
}

fn copy(mut from: usize, mut length: usize, delta: &mut Vec<u8>) {
    while length > 0 {
        let part = length.min(COPY);
        let at = delta.len();
        delta.push(0x80);
        for (bit, byte) in from.to_le_bytes().into_iter().take(4).enumerate() {
            if byte != 0 {
                delta[at] |= 1 << bit;
                delta.push(byte);
            }
        }
        // A size of 0x10000 may be written as none; written out it means the same.
        for (bit, byte) in part.to_le_bytes().into_iter().take(3).enumerate() {
            if byte != 0 {
                delta[at] |= 0x10 << bit;
                delta.push(byte);
            }
        }
        from += part;
        length -= part;
    }
}

/// The size of what `delta` makes, in bytes.
pub(crate) fn result_size(delta: &[u8]) -> Result<u64> {
    let mut delta = delta;
    read_size(&mut delta)?;
    read_size(&mut delta)
}

fn read_size(delta: &mut &[u8]) -> Result<u64> {
    let mut size = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = next(delta)?;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(corrupt("a size is too large"))
}

fn next(delta: &mut &[u8]) -> Result<u8> {
    let (first, rest) = delta.split_first().ok_or_else(|| corrupt("it ends too early"))?;
    *delta = rest;
    Ok(*first)
}

/// Makes of `base` what `delta` says. The caller has checked [`result_size`].
pub(crate) fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>> {
    let mut rest = delta;
    let delta = &mut rest;
    if read_size(delta)? != base.len() as u64 {
        return Err(corrupt("it is one of another object"));
    }
    let size = usize::try_from(read_size(delta)?).map_err(|_| corrupt("it is too large"))?;
    let mut target = Vec::with_capacity(size);
    while !delta.is_empty() {
        let part = instruction(base, delta)?;
        if target.len() + part.len() > size {
            return Err(corrupt("it makes more than it says"));
        }
        target.extend_from_slice(part);
    }
    if target.len() == size { Ok(target) } else { Err(corrupt("it makes less than it says")) }
}

fn instruction<'a: 'c, 'b: 'c, 'c>(base: &'a [u8], delta: &mut &'b [u8]) -> Result<&'c [u8]> {
    let code = next(delta)?;
    if code & 0x80 == 0 {
        let length = usize::from(code);
        if length == 0 || length > delta.len() {
            return Err(corrupt("it has an impossible instruction"));
        }
        let (part, rest) = delta.split_at(length);
        *delta = rest;
        return Ok(part);
    }
    let mut number = |bits: std::ops::Range<u8>| {
        let first = bits.start;
        let mut number = 0;
        for bit in bits {
            if code & (1 << bit) != 0 {
                number |= usize::from(next(delta)?) << ((bit - first) * 8);
            }
        }
        Ok::<_, Error>(number)
    };
    let from = number(0..4)?;
    let length = match number(4..7)? {
        0 => 0x1_0000,
        length => length,
    };
    base.get(from..from + length).ok_or_else(|| corrupt("it copies what is not there"))
}

fn corrupt(what: &str) -> Error {
    Error::Corrupt(format!("a delta in a pack: {what}"))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn what_is_encoded_is_made_again() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let mut base = vec![0; random.random_range(300..200_000)];
            random.fill(&mut base[..]);
            let mut target = base.clone();
            let at = random.random_range(0..target.len() - 100);
            let new: Vec<u8> = (0..random.random_range(0..140)).map(|_| random.random()).collect();
            target.splice(at..at + random.random_range(0..100), new);
            let delta = encode(&base, &target).unwrap();
            assert!(delta.len() < 200);
            assert_eq!(result_size(&delta).unwrap(), target.len() as u64);
            assert_eq!(apply(&base, &delta).unwrap(), target);
            for end in 0..delta.len() {
                assert!(apply(&base, &delta[..end]).is_err());
            }
        }
        assert!(encode(b"one thing", b"another").is_none());
        let long = vec![1; 40_000_000];
        let longer: Vec<u8> = [&long[..], &[2; 300]].concat();
        assert!(apply(&long, &encode(&long, &longer).unwrap()).unwrap() == longer);
    }
}
