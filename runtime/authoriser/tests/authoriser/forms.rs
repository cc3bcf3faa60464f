//! A token has one form, and a key is strong and for signatures.

use authoriser::Reason;
use serde_json::{Value, json};

use super::support::{
    Behaviour, EC, Key, OTHER_RSA, RSA, World, document, encode, sign_parts, user,
};

/// Each is signed by the right key over exactly what it says.
#[tokio::test]
async fn a_token_has_one_form() {
    let world = World::new().await;
    let draft = user();
    let (header, claims) = (draft.header.to_string(), draft.claims.to_string());
    let twice = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    let sign = |header: &str, claims: &str| sign_parts(&encode(header), &encode(claims), &RSA);
    let with_claim = |member: &str| sign(&header, &twice(&claims, member));
    let deep = format!(r#""x":{}{}"#, "[".repeat(500), "]".repeat(500));
    let good = draft.sign(&RSA);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    // 256 bytes leave bits over: the last character could be another and mean the same.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(&signature[signature.len() - 1..]).unwrap();
    let loose = format!("{}{}", &signature[..signature.len() - 1], &alphabet[last + 1..last + 2]);
    let other = signature.replacen(|c: char| c.is_ascii_lowercase(), "+", 1);
    let padded = format!("{}=", encode(format!("{claims}{}", " ".repeat(claims.len() % 3))));
    let cases: Vec<(&str, Reason, String)> = vec![
        ("claim twice", Reason::Malformed, with_claim(r#""tenant_id":"globex""#)),
        ("escaped", Reason::Malformed, with_claim(r#""\u0074enant_id":"globex""#)),
        ("exp twice", Reason::Malformed, with_claim(r#""exp":1"#)),
        ("nested twice", Reason::Malformed, with_claim(r#""x":{"a":1,"a":2}"#)),
        ("deep", Reason::Malformed, with_claim(&deep)),
        ("alg twice", Reason::Malformed, sign(&twice(&header, r#""alg":"none""#), &claims)),
        ("a list", Reason::Malformed, sign(&header, &format!("[{claims}]"))),
        ("two objects", Reason::Malformed, sign(&header, &format!("{claims}{claims}"))),
        ("no JSON", Reason::Malformed, sign(&header, "tenant_id=acme")),
        ("padding", Reason::Malformed, format!("{good}==")),
        ("padded claims", Reason::Malformed, sign_parts(&encode(&header), &padded, &RSA)),
        ("loose bits", Reason::Malformed, format!("{signed}.{loose}")),
        ("other alphabet", Reason::Malformed, format!("{signed}.{other}")),
        ("white space", Reason::Malformed, format!("{good} ")),
        ("leading space", Reason::Malformed, format!(" {good}")),
        ("line", Reason::Malformed, format!("{good}\n")),
        ("four parts", Reason::Malformed, format!("{good}.{signature}")),
        ("five parts", Reason::Malformed, format!("{good}.a.b")),
        ("dots", Reason::Malformed, "..".to_owned()),
        ("nothing", Reason::Malformed, String::new()),
        ("too long", Reason::TooLong, user().claim("x", "y".repeat(8_192)).sign(&RSA)),
        ("long header", Reason::TooLong, user().header("x5t", "y".repeat(1_024)).sign(&RSA)),
        ("a megabyte", Reason::TooLong, "a.".repeat(500_000)),
    ];
    for (name, reason, token) in cases {
        assert_eq!(world.token(&token).await.err(), Some(reason), "{name}");
    }
    assert_eq!(world.token(&good).await.err(), None);
}

#[tokio::test]
async fn keys_that_are_weak_or_for_something_else_do_not_count() {
    let weak = Key::weak();
    let with = |name: &str, value: Value| {
        let mut key = RSA.jwk("k1");
        key[name] = value;
        json!({ "keys": [EC.jwk("e1"), key] })
    };
    let symmetric = json!({ "kty": "oct", "kid": "k1", "k": "c2VjcmV0" });
    let mut leading_zero = RSA.jwk("k1");
    let Key::Rsa { n, .. } = &*RSA else { panic!() };
    leading_zero["n"] = encode([&[0], &n[..]].concat()).into();
    let cases: Vec<(&str, Reason, Value)> = vec![
        ("1024 bits", Reason::UnknownKey, document(&[("e1", &EC), ("k1", &weak)])),
        ("for encryption", Reason::UnknownKey, with("use", json!("enc"))),
        ("to sign", Reason::UnknownKey, with("key_ops", json!(["sign"]))),
        ("for RS512", Reason::KeyMismatch, with("alg", json!("RS512"))),
        ("for HS256", Reason::KeyMismatch, with("alg", json!("HS256"))),
        ("private", Reason::UnknownKey, with("d", json!("AQAB"))),
        ("small exponent", Reason::UnknownKey, with("e", json!("Aw"))),
        ("padded", Reason::UnknownKey, with("e", json!("AQAB=="))),
        ("a curve", Reason::UnknownKey, with("crv", json!("P-256"))),
        ("no id", Reason::UnknownKey, with("kid", Value::Null)),
        ("leading zero", Reason::UnknownKey, json!({ "keys": [EC.jwk("e1"), leading_zero] })),
        ("symmetric", Reason::UnknownKey, json!({ "keys": [EC.jwk("e1"), symmetric] })),
        ("two", Reason::KeyMismatch, json!({ "keys": [RSA.jwk("k1"), OTHER_RSA.jwk("k1")] })),
    ];
    for (name, reason, keys) in cases {
        let world = World::new().await;
        world.keys.turn(Behaviour::Keys(keys));
        assert_eq!(world.token(&user().sign(&RSA)).await.err(), Some(reason), "{name}");
    }
    // Of different kinds they may share an id.
    let world = World::new().await;
    world.keys.turn(Behaviour::Keys(json!({ "keys": [RSA.jwk("k1"), EC.jwk("k1")] })));
    assert_eq!(world.token(&user().sign(&RSA)).await.err(), None);
}
