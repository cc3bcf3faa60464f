//! The gateway's question, as far as it matters.

use runtime_core::api::{ROUTES, Route};
use runtime_core::auth::{API_KEY_HEADER, TENANT_HEADER};
use runtime_core::tenant::TenantId;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::reason::Reason;

/// A request that somebody made of the API.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-lambda-authorizer-input.html>
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What is to be allowed: API, stage, method and path.
    pub method_arn: String,
    /// The path, with its parameters in braces.
    pub resource: String,
    /// The path as it came.
    pub path: String,
    /// The method.
    pub http_method: String,
    /// Headers; of several with the same name, the last.
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    /// All headers.
    #[serde(default)]
    multi_value_headers: Option<Map<String, Value>>,
    /// What stands for the parameters of the path.
    #[serde(default)]
    path_parameters: Option<Map<String, Value>>,
    /// Where the request came to.
    pub request_context: RequestContext,
}

/// Where a request came to.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// The request's number. The local emulator gives none, and it decides nothing.
    #[serde(default = "unnumbered")]
    pub request_id: String,
}

fn unnumbered() -> String {
    "unnumbered".to_owned()
}

/// What somebody shows to be let in.
#[derive(Clone, Copy)]
pub(crate) enum Credential<'a> {
    /// A token, after `Bearer`.
    Bearer(&'a str),
    /// An API key.
    ApiKey(&'a str),
}

impl Request {
    /// The route, if there is one: method and template are one of ours, and the path
    /// really is of that form.
    pub(crate) fn route(&self) -> Result<&'static Route, Reason> {
        let fits = |route: &&Route| {
            route.method.as_str() == self.http_method
                && route.path == self.resource
                && is_of(&self.path, route.path)
                && route.authorised()
        };
        ROUTES.iter().find(fits).ok_or(Reason::Route)
    }

    /// The one credential that the request has.
    pub(crate) fn credential(&self) -> Result<Credential<'_>, Reason> {
        match (self.header("authorization")?, self.header(API_KEY_HEADER)?) {
            (None, None) => Err(Reason::NoCredential),
            (Some(_), Some(_)) => Err(Reason::SeveralCredentials),
            (None, Some(key)) => Ok(Credential::ApiKey(key)),
            (Some(value), None) => {
                let (scheme, rest) = value.split_once(' ').ok_or(Reason::Malformed)?;
                if scheme.eq_ignore_ascii_case("bearer") {
                    Ok(Credential::Bearer(rest))
                } else if scheme.eq_ignore_ascii_case("apikey") {
                    Ok(Credential::ApiKey(rest))
                } else {
                    Err(Reason::Malformed)
                }
            }
        }
    }

    /// The tenant that the request is about, if it names one. Path and header have to
    /// name the same.
    pub(crate) fn tenant(&self, route: &Route) -> Result<Option<TenantId>, Reason> {
        let parse = |text: &str| text.parse::<TenantId>().map_err(|_| Reason::TenantId);
        let header = self.header(TENANT_HEADER)?.map(parse).transpose()?;
        let in_path = match route.path.strip_prefix("/v1/tenants/{id}") {
            None => None,
            Some(_) => {
                let raw = self.path.split('/').nth(3).ok_or(Reason::TenantId)?;
                // The function will act by the parameter: it has to be what was looked at.
                let given = self.path_parameters.as_ref().and_then(|all| all.get("id"));
                if given.is_some_and(|given| given != raw) {
                    return Err(Reason::TenantId);
                }
                Some(parse(raw)?)
            }
        };
        match (in_path, header) {
            (Some(path), Some(header)) if path != header => Err(Reason::OtherTenant),
            (path, header) => Ok(path.or(header)),
        }
    }

    /// A header, which is there once.
    fn header(&self, name: &str) -> Result<Option<&str>, Reason> {
        let mut found = None;
        for headers in [&self.headers, &self.multi_value_headers] {
            for (key, value) in headers.iter().flatten() {
                if !key.eq_ignore_ascii_case(name) {
                    continue;
                }
                let value = match value {
                    Value::String(value) => value.as_str(),
                    Value::Array(values) => match &values[..] {
                        [Value::String(value)] => value.as_str(),
                        _ => return Err(Reason::SeveralCredentials),
                    },
                    _ => return Err(Reason::Event),
                };
                if found.is_some_and(|found| found != value) {
                    return Err(Reason::SeveralCredentials);
                }
                found = Some(value);
            }
        }
        Ok(found)
    }
}

/// Whether a path is of the form of a template. A parameter is one part with something
/// in it.
fn is_of(path: &str, template: &str) -> bool {
    let mut parts = path.split('/');
    let fits = template.split('/').all(|expected| match parts.next() {
        Some(part) if expected.starts_with('{') => !part.is_empty(),
        Some(part) => part == expected,
        None => false,
    });
    fits && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_one_form() {
        assert!(is_of("/v1/tenants/acme", "/v1/tenants/{id}"));
        assert!(is_of("/v1/tenants", "/v1/tenants"));
        for path in
            ["/v1/tenants", "/v1/tenants/", "/v1/tenants/a/b", "/v1/agents/a", "v1/tenants/a"]
        {
            assert!(!is_of(path, "/v1/tenants/{id}"), "{path}");
        }
    }
}
