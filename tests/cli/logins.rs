//! Logging in, and what is kept of it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::env::{MINIMAL, TestEnv};
use super::platform_api::{ADMIN, PlatformApi};
use super::server::{Reply, Server};

/// An issuer that gives an administrator's token: to a code that was typed between two
/// questions, and to a program with its secret.
fn issuer() -> Server {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Server::new(move |request, _| {
        let base = format!("http://{}", request.header("host").expect("a host"));
        Some(match request.path.as_str() {
            "/.well-known/openid-configuration" => Reply::json(
                200,
                &json!({
                    "issuer": base,
                    "token_endpoint": format!("{base}/token"),
                    "device_authorization_endpoint": format!("{base}/device"),
                }),
            ),
            "/device" => Reply::json(
                200,
                &json!({
                    "device_code": "secret-device-code", "user_code": "WDJB-MJHT",
                    "verification_uri": "https://login.acme.example/device",
                    "expires_in": 600, "interval": 1,
                }),
            ),
            _ if request.body.contains("client_credentials") => {
                // acme-cli:client-secret
                let good = "Basic YWNtZSUyRGNsaTpjbGllbnQlMkRzZWNyZXQ=";
                if request.header("authorization") == Some(good) {
                    granted()
                } else {
                    Reply::json(401, &json!({ "error": "invalid_client" }))
                }
            }
            _ => match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Reply::json(400, &json!({ "error": "authorization_pending" })),
                _ => granted(),
            },
        })
    })
}

fn granted() -> Reply {
    Reply::json(200, &json!({ "access_token": ADMIN, "token_type": "Bearer", "expires_in": 3600 }))
}

/// An environment whose platform.yaml names the issuer.
fn env(issuer: &Server, api: &PlatformApi) -> TestEnv {
    let env = api.env_of("");
    let url = issuer.url();
    env.write(
        "platform.yaml",
        &format!(
            "{MINIMAL}identity:\n  issuers:\n    - {{ name: staff, kind: oidc, client_id: acme-cli, issuer: \"{url}\", audience: acme, jwks_url: \"{url}/keys\" }}\n"
        ),
    );
    env
}

fn shown(text: &str, issuer: &Server) -> String {
    let time =
        regex::Regex::new(r"\d{4}-\d\d-\d\dT[0-9:]+Z|\[TODAY\]T[0-9:]+Z").expect("a pattern");
    time.replace_all(&text.replace(&issuer.url(), "[ISSUER]"), "[TIME]").into_owned()
}

/// The files of logins.
fn kept(env: &TestEnv) -> Vec<std::path::PathBuf> {
    let folder = env.runs().parent().expect("a folder").join("logins");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|file| file.path()).collect()
}

#[test]
fn a_person_logs_in_works_and_logs_out() {
    let (issuer, api) = (issuer(), PlatformApi::new());
    let env = env(&issuer, &api);
    insta::assert_snapshot!(shown(&env.run(&["tenant", "list"]).text, &issuer));
    insta::assert_snapshot!(shown(&env.run(&["login", "--status"]).text, &issuer));
    let outcome = env.run(&["login", "-vv", "--quiet"]);
    assert_eq!(outcome.code, 0, "{}", outcome.text);
    for secret in [ADMIN, "secret-device-code"] {
        assert!(!outcome.text.contains(secret), "{}", outcome.text);
    }
    assert!(outcome.stderr.contains("type the code WDJB-MJHT"), "{}", outcome.stderr);
    let said = outcome.stdout;
    insta::assert_snapshot!(shown(&said, &issuer));
    insta::assert_snapshot!(shown(&env.run(&["login", "--status"]).text, &issuer));
    let status = env.run(&["login", "--status", "-o", "json"]);
    assert!(!status.stdout.contains(ADMIN), "{}", status.stdout);
    let used = env.run(&["tenant", "show", "acme", "-vv"]);
    assert_eq!(used.code, 0, "{}", used.text);
    assert!(!used.text.contains(ADMIN), "{}", used.text);

    let files = kept(&env);
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let refused = env.run(&["tenant", "show", "acme"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("can be read by others (mode 644)"), "{}", refused.text);
    insta::assert_snapshot!(shown(&env.run(&["logout"]).text, &issuer));
    assert!(kept(&env).is_empty());
    assert_eq!(env.run(&["tenant", "show", "acme"]).code, 2);
}

#[test]
fn a_program_logs_in_by_its_secret() {
    let (issuer, api) = (issuer(), PlatformApi::new());
    let env = env(&issuer, &api);
    env.write("secret", "client-secret\n");
    env.write("wrong", "another-secret\n");
    let login = ["login", "--client-credentials"];
    insta::assert_snapshot!(shown(&env.run_with(&login, "wrong").text, &issuer));
    insta::assert_snapshot!(shown(&env.run(&login).text, &issuer));
    let outcome = env.run_with(&[&login[..], &["-vv"]].concat(), "secret");
    assert_eq!(outcome.code, 0, "{}", outcome.text);
    assert!(!outcome.text.contains(ADMIN) && !outcome.text.contains("client-secret"));
    assert_eq!(env.run(&["tenant", "show", "acme"]).code, 0);
    let prod = env.run(&["tenant", "show", "acme", "--env", "prod"]);
    assert_eq!(prod.code, 2, "a login is for one environment");
}

#[test]
fn nobody_to_ask() {
    insta::assert_snapshot!(TestEnv::new().run(&["login"]).text);
    insta::assert_snapshot!(TestEnv::new().run(&["logout"]).text);
    let env = TestEnv::plus(
        "identity:\n  issuers:\n    - { name: staff, kind: oidc, issuer: 'http://login.acme.example', audience: acme, jwks_url: 'https://login.acme.example/keys' }\n    - { name: users, kind: authkit, client_id: client_01HXYZ }\n",
    );
    insta::assert_snapshot!(env.run(&["login"]).text);
    insta::assert_snapshot!(env.run(&["login", "--issuer", "nobody"]).text);
    insta::assert_snapshot!(env.run(&["login", "--issuer", "staff", "--client-id", "x"]).text);
}
