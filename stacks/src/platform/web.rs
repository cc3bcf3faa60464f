//! The distribution: the one way in from the internet, to pages and API alike.
//!
//! Both have the same origin for a browser, so that pages call the API without any
//! cross-origin exception. The distribution keeps no logs of its own: the API's access
//! logs have every request to it, without addresses, and who read which page nobody
//! needs to know. (The older kind of logs wants a bucket with access control lists,
//! which ours do not have.)

use super::Common;
use super::api::{Api, STAGE};
use crate::cfn::aws::cloudfront::response_headers_policy as headers;
use crate::cfn::aws::cloudfront::{distribution, function, origin_access_control};
use crate::cfn::aws::{cloudfront, s3, secretsmanager};
use crate::cfn::iam::{Operator, Principal, Statement};
use crate::cfn::{Handle, Stack, Value, sub_with};
use crate::construct::bucket::{self, OurBucket};
use crate::spec::DomainSpec;

/// The header by which the web ACL knows the distribution.
pub(super) const SECRET_HEADER: &str = "x-origin-secret";

/// The header with the viewer's address. The distribution sets it, whatever came in.
pub(super) const VIEWER_HEADER: &str = "x-viewer-address";

/// A page that was replaced by mistake can be had back this long.
const OLD_PAGE_DAYS: i64 = 30;

/// AWS's own cache and request policies.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html>
const CACHING_OPTIMISED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

const PAGES: &str = "pages";
const API: &str = "api";

/// Two years, in seconds.
const HSTS_SECONDS: i64 = 63_072_000;

/// Pages may use what comes from their own origin, and nothing else; nobody frames them.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    upgrade-insecure-requests";

/// The application's routes are its own: whatever has no file name is its first page.
/// (Error pages would do it for all origins, and replace the API's 404.)
const TO_FIRST_PAGE: &str = "function handler(event) {
  var request = event.request;
  if (!request.uri.split('/').pop().includes('.')) request.uri = '/index.html';
  return request;
}
";

/// Says to the API where a request comes from.
const SAY_VIEWER: &str = "function handler(event) {
  event.request.headers['x-viewer-address'] = { value: event.viewer.ip };
  return event.request;
}
";

#[derive(Debug)]
pub(super) struct Web {
    /// The bucket of the pages.
    pub pages: Handle<s3::Bucket>,
    pub distribution: Handle<cloudfront::Distribution>,
    /// `https://` and the domain: where pages come from.
    pub origin: Value<String>,
    /// What only the distribution and the web ACL know.
    pub secret: Value<String>,
}

pub(super) fn web(stack: &mut Stack, common: &Common, api: &Api) -> Web {
    // Pages are for everybody: the key of the service does.
    let pages = OurBucket::new("WebBucket", "web", OLD_PAGE_DAYS).add_without_policy(stack);
    let secret = secret(stack, common);
    let access = access_control(stack);
    let domain = common.spec.domain.as_ref();
    let policy = response_headers(stack, domain).id();
    let first_page = viewer_function(stack, "WebFirstPage", "first-page", TO_FIRST_PAGE);
    let say_viewer = viewer_function(stack, "WebViewer", "say-viewer", SAY_VIEWER);

    let pages_behaviour = distribution::DefaultCacheBehavior::new(
        PAGES,
        distribution::ViewerProtocolPolicy::RedirectToHttps,
    )
    .allowed_methods(["GET", "HEAD", "OPTIONS"])
    .compress(true)
    .cache_policy_id(CACHING_OPTIMISED)
    .response_headers_policy_id(&policy)
    .function_associations([first_page]);
    // No redirect: a token that was sent in the clear is to fail, and be noticed.
    let api_behaviour = distribution::CacheBehavior::new("/v1/*", API, "https-only")
        .allowed_methods(["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"])
        .compress(true)
        .cache_policy_id(CACHING_DISABLED)
        .origin_request_policy_id(ALL_VIEWER_EXCEPT_HOST)
        .response_headers_policy_id(policy)
        .function_associations([say_viewer]);
    let configuration = distribution::DistributionConfig::new(pages_behaviour, true)
        .comment(stack.naming().name("web"))
        .cache_behaviors([api_behaviour])
        .origins([pages_origin(&pages, &access), api_origin(api, &secret)])
        .default_root_object("index.html")
        .http_version(distribution::HttpVersion::Http2and3)
        .ipv6_enabled(true)
        .price_class(distribution::PriceClass::PriceClass100)
        .restrictions(distribution::Restrictions::new(countries(&common.spec.firewall.countries)))
        .viewer_certificate(certificate(domain));
    let configuration = match domain {
        Some(domain) => configuration.aliases([&domain.name]),
        None => configuration,
    };
    let distribution = stack.add("Distribution", cloudfront::Distribution::new(configuration));
    bucket::policy(stack, "WebBucket", &pages, Some(read_by(&distribution, &pages)));
    let origin = match domain {
        Some(domain) => format!("https://{}", domain.name).into(),
        None => sub_with("https://${Domain}", [("Domain", distribution.domain_name())]),
    };
    Web { pages, distribution, origin, secret }
}

/// A secret that CloudFormation makes and fills in. The template has its name alone.
fn secret(stack: &mut Stack, common: &Common) -> Value<String> {
    let random = secretsmanager::secret::GenerateSecretString::new()
        .password_length(48)
        .exclude_punctuation(true);
    let secret = secretsmanager::Secret::new()
        .name(stack.naming().name("origin-secret"))
        .description("Shows the API that a request came through the distribution")
        .kms_key_id(&common.config_key)
        .generate_secret_string(random);
    let secret = stack.add("OriginSecret", secret);
    sub_with("{{resolve:secretsmanager:${Secret}:SecretString}}", [("Secret", secret.id())])
}

fn access_control(stack: &mut Stack) -> Handle<cloudfront::OriginAccessControl> {
    let name = stack.naming().name("web");
    let configuration =
        origin_access_control::OriginAccessControlConfig::new(name, "s3", "always", "sigv4");
    stack.add("WebAccess", cloudfront::OriginAccessControl::new(configuration))
}

fn viewer_function(
    stack: &mut Stack,
    id: &str,
    name: &str,
    code: &str,
) -> distribution::FunctionAssociation {
    let name = stack.naming().name(name);
    let configuration = function::FunctionConfig::new(&name, function::Runtime::CloudfrontJs2_0);
    let function = cloudfront::Function::new(code, configuration, &name).auto_publish(true);
    let function = stack.add(id, function);
    distribution::FunctionAssociation::new()
        .event_type("viewer-request")
        .function_arn(function.function_arn())
}

fn pages_origin(
    pages: &Handle<s3::Bucket>,
    access: &Handle<cloudfront::OriginAccessControl>,
) -> distribution::Origin {
    distribution::Origin::new(pages.regional_domain_name(), PAGES)
        .origin_access_control_id(access.id())
        // Empty: the older kind of access, which is not used. CloudFront wants it said.
        .s3_origin_config(distribution::S3OriginConfig::new().origin_access_identity(""))
}

fn api_origin(api: &Api, secret: &Value<String>) -> distribution::Origin {
    let connection = distribution::CustomOriginConfig::new("https-only")
        .https_port(443)
        .origin_ssl_protocols(["TLSv1.2"]);
    distribution::Origin::new(api.domain(), API)
        .origin_path(format!("/{STAGE}"))
        .custom_origin_config(connection)
        .origin_custom_headers([distribution::OriginCustomHeader::new(SECRET_HEADER, secret)])
}

/// TLS 1.2 and later. With CloudFront's own certificate it decides by itself, whatever
/// stands here; a domain of one's own is what makes it so.
/// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ViewerCertificate.html>
fn certificate(domain: Option<&DomainSpec>) -> distribution::ViewerCertificate {
    let certificate = distribution::ViewerCertificate::new()
        .minimum_protocol_version(distribution::MinimumProtocolVersion::TlSv1_2_2021);
    match domain {
        None => certificate.cloud_front_default_certificate(true),
        Some(domain) => certificate
            .acm_certificate_arn(&domain.certificate_arn)
            .ssl_support_method(distribution::SslSupportMethod::SniOnly),
    }
}

fn countries(countries: &[String]) -> distribution::GeoRestriction {
    if countries.is_empty() {
        return distribution::GeoRestriction::new(distribution::RestrictionType::None);
    }
    distribution::GeoRestriction::new(distribution::RestrictionType::Whitelist)
        .locations(countries.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Only this distribution reads the pages.
fn read_by(
    distribution: &Handle<cloudfront::Distribution>,
    pages: &Handle<s3::Bucket>,
) -> Statement {
    let source = sub_with(
        "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}",
        [("Distribution", distribution.id())],
    );
    Statement::allow(["s3:GetObject"])
        .sid("ReadByTheDistribution")
        .principal(Principal::service("cloudfront.amazonaws.com"))
        .resource(bucket::objects(pages, ""))
        .when(Operator::StringEquals, "aws:SourceArn", source)
}

/// What every answer says, of pages and API. Other origins are named only when the
/// domain is known: the policy cannot name the distribution that it belongs to. Without
/// it no other origin may read anything, which is what we want.
fn response_headers(
    stack: &mut Stack,
    domain: Option<&DomainSpec>,
) -> Handle<cloudfront::ResponseHeadersPolicy> {
    let hsts = headers::StrictTransportSecurity::new(HSTS_SECONDS, true).include_subdomains(true);
    let security = headers::SecurityHeadersConfig::new()
        .content_security_policy(headers::ContentSecurityPolicy::new(CONTENT_SECURITY_POLICY, true))
        .content_type_options(headers::ContentTypeOptions::new(true))
        .frame_options(headers::FrameOptions::new("DENY", true))
        .referrer_policy(headers::ReferrerPolicy::new(true, "strict-origin-when-cross-origin"))
        .strict_transport_security(hsts);
    let permissions = headers::CustomHeader::new(
        "Permissions-Policy",
        true,
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    );
    let configuration = headers::ResponseHeadersPolicyConfig::new(stack.naming().name("web"))
        .comment("Security headers of pages and API")
        .security_headers_config(security)
        .custom_headers_config(headers::CustomHeadersConfig::new([permissions]));
    let configuration = match domain {
        Some(domain) => configuration.cors_config(cors(domain)),
        None => configuration,
    };
    stack.add("WebHeaders", cloudfront::ResponseHeadersPolicy::new(configuration))
}

fn cors(domain: &DomainSpec) -> headers::CorsConfig {
    use headers::Item::{Delete, Get, Head, Options, Patch, Post, Put};
    let allowed = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match"];
    headers::CorsConfig::new(
        false,
        headers::AccessControlAllowHeaders::new(allowed),
        headers::AccessControlAllowMethods::new([Get, Head, Options, Put, Patch, Post, Delete]),
        headers::AccessControlAllowOrigins::new([format!("https://{}", domain.name)]),
        true,
    )
    .access_control_expose_headers(headers::AccessControlExposeHeaders::new([
        "ETag",
        "Retry-After",
    ]))
    .access_control_max_age_sec(600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_sets_the_header_that_the_web_acl_reads() {
        assert!(SAY_VIEWER.contains(&format!("['{VIEWER_HEADER}']")));
    }
}
