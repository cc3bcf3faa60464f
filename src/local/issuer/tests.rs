use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::Value;
use time::OffsetDateTime;

use super::*;

const ENDPOINT: &str = "http://127.0.0.1:4566";

fn claims() -> Claims {
    Claims {
        subject: "ada".to_owned(),
        roles: vec!["Platform.Admin".to_owned()],
        tenant: Some("acme".to_owned()),
        issued: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
        lifetime: Duration::from_hours(1),
    }
}

fn prepared() -> (tempfile::TempDir, Issuer) {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::new(folder.path().join("issuer"));
    issuer.prepare(ENDPOINT).unwrap();
    (folder, issuer)
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn served(issuer: &Issuer, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(issuer.public(name)).unwrap()).unwrap()
}

/// What a token says, if a key of the served key set signed it.
fn verified(issuer: &Issuer, token: &str) -> Option<(Value, Value)> {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let [header, claims] =
        [header, claims].map(|part| serde_json::from_slice::<Value>(&bytes(part)).unwrap());
    let set = served(issuer, KEY_SET);
    let key = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"])?;
    assert_eq!(key["alg"], header["alg"]);
    let part = |name: &str| bytes(key[name].as_str().unwrap());
    let (message, signature) = (message.as_bytes(), bytes(signature));
    match key["kty"].as_str().unwrap() {
        "RSA" => RsaPublicKeyComponents { n: part("n"), e: part("e") }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, &signature)
            .ok()?,
        _ => {
            let point = [vec![4], part("x"), part("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, &signature)
                .ok()?;
        }
    }
    Some((header, claims))
}

#[test]
fn tokens_are_verified_by_what_is_served() {
    let (_folder, issuer) = prepared();
    for algorithm in Algorithm::ALL {
        let token = issuer.sign(ENDPOINT, algorithm, &claims()).unwrap();
        let (header, said) = verified(&issuer, &token).expect("a good signature");
        assert_eq!(header["typ"], "at+jwt");
        assert_eq!(said["iss"], "http://127.0.0.1:4566/_platformctl/issuer");
        assert_eq!(said["aud"], AUDIENCE);
        assert_eq!((&said["sub"], &said["tenant_id"]), (&"ada".into(), &"acme".into()));
        assert_eq!(said["roles"], serde_json::json!(["Platform.Admin"]));
        assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 3600);
        assert_eq!(said["jti"].as_str().unwrap().len(), 32);
        // Other claims with this signature are not believed.
        let other = Claims { tenant: None, ..claims() };
        let other = issuer.sign(ENDPOINT, algorithm, &other).unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        let (message, _) = other.rsplit_once('.').unwrap();
        assert_eq!(verified(&issuer, &format!("{message}.{signature}")), None);
    }
    let about = served(&issuer, CONFIGURATION);
    assert_eq!(about["jwks_uri"], "http://127.0.0.1:4566/_platformctl/issuer/jwks.json");
}

#[test]
fn private_keys_are_private_and_nothing_of_them_is_served() {
    let (_folder, issuer) = prepared();
    for algorithm in Algorithm::ALL {
        let file = issuer.private(algorithm);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = issuer.sign(ENDPOINT, algorithm, &claims()).unwrap_err();
        assert!(error.message().contains("can be read by others (mode 640)"), "{error}");
    }
    for key in served(&issuer, KEY_SET)["keys"].as_array().unwrap() {
        let names: Vec<&String> = key.as_object().unwrap().keys().collect();
        let public = ["kid", "alg", "use", "kty", "n", "e", "crv", "x", "y"];
        assert!(names.iter().all(|name| public.contains(&name.as_str())), "{names:?}");
    }
}

#[test]
fn what_is_there_stays_and_what_is_lost_comes_back() {
    let (_folder, issuer) = prepared();
    let before = served(&issuer, KEY_SET);
    issuer.prepare(ENDPOINT).unwrap();
    assert_eq!(served(&issuer, KEY_SET), before);
    std::fs::remove_file(issuer.public(KEY_SET)).unwrap();
    issuer.prepare("http://127.0.0.1:4567").unwrap();
    let token = issuer.sign("http://127.0.0.1:4567", Algorithm::Es256, &claims()).unwrap();
    assert!(verified(&issuer, &token).is_some());
    std::fs::write(issuer.private(Algorithm::Es256), b"no key").unwrap();
    let error = issuer.prepare(ENDPOINT).unwrap_err();
    assert!(error.message().contains("es256.pk8 holds no key"), "{error}");
}

#[test]
fn former_keys_are_good_until_they_are_forgotten() {
    let (_folder, issuer) = prepared();
    let before = issuer.sign(ENDPOINT, Algorithm::Rs256, &claims()).unwrap();
    let rotated = issuer.rotate().unwrap();
    assert_eq!((rotated.signing.len(), rotated.former.len()), (2, 2));
    let after = issuer.sign(ENDPOINT, Algorithm::Rs256, &claims()).unwrap();
    let ids = [&before, &after].map(|token| verified(&issuer, token).unwrap().0["kid"].clone());
    assert_ne!(ids[0], ids[1]);
    let forgotten = issuer.forget_former().unwrap();
    assert_eq!((forgotten.forgotten.len(), forgotten.former.len()), (2, 0));
    assert_eq!(forgotten.signing, rotated.signing);
    assert!(verified(&issuer, &before).is_none() && verified(&issuer, &after).is_some());
}

#[test]
fn a_thumbprint_is_that_of_the_standard() {
    // RFC 7638, 3.1.
    let key = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let members = [("e", "AQAB"), ("kty", "RSA"), ("n", key)];
    let members = members.map(|(name, value)| (name, value.to_owned()));
    assert_eq!(keys::thumbprint(&members), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn nothing_is_signed_for_other_machines() {
    let (_folder, issuer) = prepared();
    for endpoint in ["https://api.acme.example", "http://127.0.0.1.acme.example:80"] {
        assert!(issuer.sign(endpoint, Algorithm::Rs256, &claims()).is_err(), "{endpoint}");
    }
}
