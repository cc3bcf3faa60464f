//! Whatever is changed in a good token, it is no good any more.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::support::{EC, RSA, World, encode, user};

/// The same each time.
const SEED: u64 = 0x5eed_2026;

/// Characters of tokens, and some that are none.
const CHARACTERS: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0{}\"%";

fn changed(token: &str, other: &str, random: &mut StdRng) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let at = random.random_range(0..bytes.len());
    let byte = CHARACTERS[random.random_range(0..CHARACTERS.len())];
    match random.random_range(0..9) {
        0 | 1 => bytes[at] = byte,
        2 => bytes.insert(at, byte),
        3 => drop(bytes.remove(at)),
        4 => bytes.truncate(at),
        5 => {
            let to = random.random_range(0..bytes.len());
            bytes.swap(at, to);
        }
        6 => {
            // A part of one in the place of a part of another.
            let mut parts: Vec<_> = token.split('.').collect();
            let others: Vec<_> = other.split('.').collect();
            parts[random.random_range(0..3)] = others[random.random_range(0..3)];
            bytes = parts.join(".").into_bytes();
        }
        7 => {
            let end = random.random_range(at..bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => {
            // A bit of what is encoded, encoded as it has to be.
            let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
            let part = random.random_range(0..3);
            let mut decoded = decode(&parts[part]);
            let at = random.random_range(0..decoded.len());
            decoded[at] ^= 1 << random.random_range(0..8);
            parts[part] = encode(decoded);
            bytes = parts.join(".").into_bytes();
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn decode(part: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()
}

#[tokio::test]
async fn no_changed_token_is_good() {
    let world = World::new().await;
    let mut random = StdRng::seed_from_u64(SEED);
    let rsa = user().sign(&RSA);
    let ec = user().header("alg", "ES256").header("kid", "e1").claim("sub", "other").sign(&EC);
    let mut tried = 0;
    while tried < 6_000 {
        let (token, other) = if random.random() { (&rsa, &ec) } else { (&ec, &rsa) };
        let mut mutated = changed(token, other, &mut random);
        for _ in 0..random.random_range(0..3) {
            // Those that are no tokens any more cannot be taken apart further.
            if mutated.split('.').count() == 3 && mutated.split('.').all(|part| part.len() > 8) {
                let at = random.random_range(0..mutated.len());
                mutated.replace_range(at..=at, "A");
            }
        }
        if mutated == rsa || mutated == ec {
            continue;
        }
        tried += 1;
        assert!(world.token(&mutated).await.is_err(), "{mutated}");
    }
    assert_eq!(world.token(&rsa).await.err(), None);
    assert_eq!(world.token(&ec).await.err(), None);
}
