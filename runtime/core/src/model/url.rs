//! Addresses that the platform calls on behalf of tenants.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::value::Invalid;

/// Longest address.
const LONGEST: usize = 2_000;

/// Ends of names that mean something inside networks and nothing outside.
const INSIDE: [&str; 8] =
    [".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa"];

/// An HTTPS address of somebody on the Internet: no user, no password, no fragment, and
/// no host that is plainly inside a network.
///
/// A name can point anywhere, and elsewhere tomorrow: whoever calls it looks at the
/// addresses that it has then, with [`is_public`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpsUrl(Url);

impl HttpsUrl {
    /// The address, normalised.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The parts.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// Whether an address is one of the Internet at large: not of this machine, a private
/// network, a link, a provider's inner network or the metadata service.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry/>
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

/// Only what is handed out as global unicast (`2000::/3`), and of that not what stands for
/// documentation, tunnels or addresses of version 4.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry/>
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [a, b, ..] = address.segments();
    let special = matches!((a, b), (0x2001, ..0x0200 | 0x0db8) | (0x2002 | 0x3fff, _));
    (0x2000..0x4000).contains(&a) && !special
}

fn is_outside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.contains('.') && !INSIDE.iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        None => false,
    }
}

impl FromStr for HttpsUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // The parser drops tabs and line breaks and turns `\` into `/`: what is stored
        // would not be what was given.
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let url = if plain && text.len() <= LONGEST { Url::parse(text).ok() } else { None };
        url.filter(|url| {
            url.scheme() == "https"
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
                && url.as_str().len() <= LONGEST
                && is_outside(url)
        })
        .map(Self)
        .ok_or(Invalid {
            what: "url",
            expected: "https:// and a public host, at most 2000 characters, without user, password and fragment",
        })
    }
}

impl TryFrom<String> for HttpsUrl {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<HttpsUrl> for String {
    fn from(url: HttpsUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_hosts_are_called() {
        for good in [
            "https://example.com",
            "https://hooks.example.com/a?b=c",
            "https://93.184.216.34/",
            "https://[2606:2800:220:1:248:1893:25c8:1946]/",
            "https://example.com:8443/x",
        ] {
            assert!(good.parse::<HttpsUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://example.com",
            "ftp://example.com",
            "https://",
            "https://localhost/",
            "https://a.localhost/",
            "https://db.internal/",
            "https://printer/",
            "https://x.local./",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://192.168.0.1/",
            "https://0.0.0.0/",
            "https://169.254.169.254/latest/meta-data/",
            "https://100.64.0.1/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://192.0.2.1/",
            "https://198.18.0.1/",
            "https://192.0.0.1/",
            "https://192.88.99.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2001:db8::1]/",
            "https://[2002:a00:1::]/",
            "https://[2001::1]/",
            "https://[3fff::1]/",
            "https://user@example.com/",
            "https://:pw@example.com/",
            "https://example.com/#x",
            "https://example.com\\@10.0.0.1/",
            "https://exa\tmple.com/",
            "https://exämple.com/",
            " https://example.com/",
        ] {
            assert!(bad.parse::<HttpsUrl>().is_err(), "{bad}");
        }
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        assert!(long.parse::<HttpsUrl>().is_err());
    }

    #[test]
    fn addresses_found_later_are_judged_the_same() {
        for (address, public) in [
            ("1.1.1.1", true),
            ("::ffff:1.1.1.1", true),
            ("::ffff:127.0.0.1", false),
            ("fc00::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}
